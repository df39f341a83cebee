//! What the protocol costs on top of the bare RSA operation.
//!
//! First the ratios: the whole call and the bare operation of the same backend take turns within one run, so that a busy
//! or a throttled machine slows both, and the median of the turns' ratios counts. With them, how often each call asks
//! Rust's allocator for memory (aws-lc has an allocator of its own, which is not counted). Then criterion's own figures for
//! each call.
//!
//! `cargo bench -p ucanpay-core --features aws-lc-rs`; without the feature, for rustcrypto alone.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints, and a panic is its report"
)]

use std::{
    fs,
    hint::black_box,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use criterion::Criterion;
use figures::{Turns, median};
use ucanpay_core::{
    Amount, Currency, Description, DeviceNo, Fields, Merchant, MerchantId, Nonce, NotifyUrl,
    OutTradeNo, PrivateKey, PublicKey, SceneType, SignatureScheme, SignedRequest, Signer, Subject,
    UnifiedOrder, Verifier, backend, canonical_string,
};

const SCHEME: SignatureScheme = SignatureScheme::DOCUMENTED;
const DATA: &str = r#"{"merchantId":"2000000010","deviceNo":"till-1","nonceStr":"5K8264ILTKCH16CQ25S","currency":"CAD","sceneType":"NATIVE","totalAmt":450,"ucpOrderNo":"563465342654643","outTradeNo":"VEC20260301A","tradeStatus":"SUCCESS","signType":"RSA","body":"coffee","timeEnd":"2026-03-01T12:00:04""#;

/// One key pair of each side, held by one backend.
struct Setting {
    backend: &'static str,
    bits: usize,
    signer: Arc<dyn Signer>,
    verifier: Arc<dyn Verifier>,
    merchant: Merchant,
    notification: Vec<u8>,
    /// What the notification's signature is of, and the signature.
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Setting {
    fn new(signer: Arc<dyn Signer>, verifier: Arc<dyn Verifier>, gateway: &PrivateKey) -> Self {
        let merchant = Merchant::with_signer(
            MerchantId::new("2000000010").unwrap(),
            Arc::clone(&signer),
            vec![Arc::clone(&verifier)],
        );
        let message = signed_bytes(format!("{DATA}}}").as_bytes());
        let signature = gateway.signer().sign(SCHEME.digest, &message).unwrap();
        let sign = STANDARD.encode(&signature);
        let notification = format!(
            r#"{{"code":0,"msg":"SUCCESS","data":{DATA},"sign":"{sign}"}},"timestamp":"2026-03-01T12:00:05Z"}}"#
        );
        Self {
            backend: verifier.backend(),
            bits: verifier.public_key().bits(),
            signer,
            verifier,
            merchant: merchant.unwrap(),
            notification: notification.into_bytes(),
            message,
            signature,
        }
    }

    fn verify(&self) {
        black_box(
            self.merchant
                .verify_notification(black_box(&self.notification)),
        )
        .unwrap();
    }

    fn verify_bare(&self) {
        let (message, signature) = (black_box(&self.message), black_box(&self.signature));
        assert!(self.verifier.verify(SCHEME.digest, message, signature));
    }

    fn sign(&self, order: &UnifiedOrder) -> SignedRequest<UnifiedOrder> {
        let nonce = Nonce::random();
        black_box(self.merchant.sign(black_box(order), nonce)).unwrap()
    }

    fn sign_bare(&self, message: &[u8]) {
        let signature = self.signer.sign(SCHEME.digest, black_box(message));
        black_box(signature).unwrap();
    }
}

/// The bytes that the scheme signs for a flat object.
fn signed_bytes(object: &[u8]) -> Vec<u8> {
    let canonical = canonical_string(&Fields::parse(object).unwrap()).unwrap();
    SCHEME.message(&canonical, None).to_vec()
}

fn settings() -> Vec<Setting> {
    let mut settings = Vec::new();
    for bits in [1024, 2048] {
        let own = PrivateKey::from_bytes(&key(&format!("merchant-{bits}.pkcs8.pem"))).unwrap();
        let gateway = PrivateKey::from_bytes(&key(&format!("platform-{bits}.pkcs8.pem"))).unwrap();
        let platform: &PublicKey = gateway.public_key();
        #[cfg(feature = "aws-lc-rs")]
        settings.push(Setting::new(
            // Below 2048 bits that is rustcrypto: its figures for signing stand under its own name.
            own.signer(),
            backend::aws_lc::verifier(platform).unwrap(),
            &gateway,
        ));
        settings.push(Setting::new(
            backend::rustcrypto::signer(&own),
            backend::rustcrypto::verifier(platform),
            &gateway,
        ));
    }
    settings
}

fn key(file: &str) -> Vec<u8> {
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/keys");
    fs::read(PathBuf::from(keys).join(file)).unwrap()
}

fn order() -> UnifiedOrder {
    UnifiedOrder {
        subject: Subject::new("coffee").unwrap(),
        description: Description::new("two flat whites").unwrap(),
        device_no: DeviceNo::default(),
        total_amount: Amount::new(450).unwrap(),
        scene: SceneType::Native,
        out_trade_no: OutTradeNo::random(),
        currency: Currency::CAD,
        notify_url: NotifyUrl::new("https://shop.example/ucanpay/payment").unwrap(),
    }
}

/// Two calls that take turns, in microseconds: batch by batch the medians of both, after one batch for warming up.
fn turns(calls: usize, whole: impl Fn(), bare: impl Fn()) -> Turns {
    const BATCHES: usize = 15;
    let timed = |call: &dyn Fn()| {
        let start = Instant::now();
        call();
        start.elapsed().as_secs_f64() * 1e6
    };
    let mut turns = Turns::default();
    for batch in 0..=BATCHES {
        let pairs = (0..calls / BATCHES).map(|_| (timed(&whole), timed(&bare)));
        let (wholes, bares): (Vec<f64>, Vec<f64>) = pairs.unzip();
        if batch > 0 {
            turns.add(median(&wholes), median(&bares));
        }
    }
    turns
}

fn allocations(call: impl FnOnce()) -> u64 {
    allocation_counter::measure(call).count_total
}

fn print_ratios(settings: &[Setting], order: &UnifiedOrder) {
    let report = |call: &str, setting: &Setting, turns: &Turns, [whole, bare]: [u64; 2]| {
        let row = format!("{call} {} {}", setting.backend, setting.bits);
        turns.report(&row, &row, "µs");
        println!("  allocations {whole}, {bare} of them bare");
    };
    for setting in settings {
        let turns = turns(20_000, || setting.verify(), || setting.verify_bare());
        let counts = [
            allocations(|| setting.verify()),
            allocations(|| setting.verify_bare()),
        ];
        report("verify", setting, &turns, counts);
    }
    for setting in settings {
        if setting.signer.backend() != setting.backend {
            continue;
        }
        let message = signed_bytes(setting.sign(order).body());
        let turns = turns(
            1_000,
            || drop(setting.sign(order)),
            || setting.sign_bare(&message),
        );
        let counts = [
            allocations(|| drop(setting.sign(order))),
            allocations(|| setting.sign_bare(&message)),
        ];
        report("sign", setting, &turns, counts);
    }
}

fn measure(criterion: &mut Criterion, settings: &[Setting], order: &UnifiedOrder) {
    for setting in settings {
        let name = |call: &str| format!("{call}/{}/{}", setting.backend, setting.bits);
        criterion.bench_function(&name("verify"), |b| b.iter(|| setting.verify()));
        criterion.bench_function(&name("bare verify"), |b| b.iter(|| setting.verify_bare()));
        if setting.signer.backend() == setting.backend {
            let message = signed_bytes(setting.sign(order).body());
            criterion.bench_function(&name("sign"), |b| b.iter(|| setting.sign(order)));
            criterion.bench_function(&name("bare sign"), |b| {
                b.iter(|| setting.sign_bare(&message));
            });
        }
    }
}

fn main() {
    let (settings, order) = (settings(), order());
    print_ratios(&settings, &order);
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    measure(&mut criterion, &settings, &order);
    criterion.final_summary();
}
