//! `ucanpay key`: make, show and compare keys. A private key goes into a file and is never printed.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

use ucanpay_core::PrivateKey;

use crate::{
    args::KeyCommand,
    input::{about, either_key},
    outcome::{Done, Failure},
};

pub(crate) fn execute(command: KeyCommand) -> Result<Done, Failure> {
    match command {
        KeyCommand::Generate { bits, out } => generate(bits, &out),
        KeyCommand::Show { file } => show(&file),
        KeyCommand::Match { one, other } => compare(&one, &other),
    }
}

fn generate(bits: usize, out: &Path) -> Result<Done, Failure> {
    let key = PrivateKey::generate(bits)
        .map_err(|error| Failure::NotDone(format!("--bits {bits}: {error}")))?;
    write_private(out, key.to_pkcs8_pem().as_bytes()).map_err(|error| {
        let what = match error.kind() {
            io::ErrorKind::AlreadyExists => {
                "exists, and a key is never overwritten; name another file with --out".to_owned()
            }
            _ => format!("cannot be written: {error}"),
        };
        about(out, what)
    })?;
    let public = key.public_key();
    Ok(Done::new(format!(
        "{}fingerprint  {}\nprivate key  {} ({} bits)\n",
        public.to_spki_pem(),
        public.fingerprint(),
        out.display(),
        public.bits(),
    )))
}

/// Writes a file that is the owner's alone from its first moment on.
fn write_private(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(contents).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a key is of no use, and would be in the way of the next attempt.
        let _ = fs::remove_file(path);
    }
    written
}

fn show(file: &Path) -> Result<Done, Failure> {
    let (format, key) = either_key(file)?;
    let kind = if format.is_private() {
        "private key"
    } else {
        "public key"
    };
    Ok(Done::new(format!(
        "kind         RSA {kind}\nformat       {}, {}\nbits         {}\nexponent     {}\nfingerprint  {}\n",
        format.syntax(),
        format.encoding(),
        key.bits(),
        key.exponent(),
        key.fingerprint(),
    )))
}

fn compare(one: &Path, other: &Path) -> Result<Done, Failure> {
    let (_, first) = either_key(one)?;
    let (_, second) = either_key(other)?;
    if first == second {
        return Ok(Done::new(format!(
            "they belong together: {}\n",
            first.fingerprint()
        )));
    }
    Ok(Done::no(format!(
        "they do not belong together: {} is {}, {} is {}\n",
        one.display(),
        first.fingerprint(),
        other.display(),
        second.fingerprint(),
    )))
}
