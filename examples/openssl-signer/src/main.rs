//! Run with `cargo run --release`: signs the same message with OpenSSL and with the project's own signer, and times both.

use std::{
    env,
    error::Error,
    time::{Duration, Instant},
};

use openssl_signer::signer;
use ucanpay_core::{PrivateKey, SignatureScheme, Signer};

const PEM: &[u8] = include_bytes!("../../../tests/fixtures/keys/merchant-1024.pkcs8.pem");

fn main() -> Result<(), Box<dyn Error>> {
    let count: u32 = env::args().nth(1).map_or(Ok(1000), |word| word.parse())?;
    let openssl = signer(PEM)?;
    let own = PrivateKey::from_bytes(PEM)?.signer();

    let scheme = SignatureScheme::DOCUMENTED;
    let message = scheme.message("body=coffee&currency=CAD&totalAmt=450", None);
    let same = openssl.sign(scheme.digest, &message)? == own.sign(scheme.digest, &message)?;
    if !same {
        return Err("the two signers do not agree".into());
    }
    println!("the same {} bytes from both", own.public_key().bits() / 8);

    // In turns, so that a busy moment of the machine is shared by both.
    let (mut by_openssl, mut by_own) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..count {
        by_openssl += time(&openssl, scheme, &message)?;
        by_own += time(&*own, scheme, &message)?;
    }
    println!(
        "{count} signatures at {} bits each:",
        own.public_key().bits()
    );
    println!("  {:12} {by_openssl:.1?}", openssl.backend());
    println!("  {:12} {by_own:.1?}", own.backend());
    println!(
        "  ratio        {:.2}",
        by_openssl.as_secs_f64() / by_own.as_secs_f64()
    );
    Ok(())
}

fn time(
    signer: &dyn Signer,
    scheme: SignatureScheme,
    message: &[u8],
) -> Result<Duration, Box<dyn Error>> {
    let begun = Instant::now();
    signer.sign(scheme.digest, message)?;
    Ok(begun.elapsed())
}
