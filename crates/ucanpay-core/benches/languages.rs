//! What a merchant would otherwise use, on the same messages: the gateway's Java sample, Node's `crypto`, Python's
//! `cryptography`, each in a process of its own that takes turns with ours ([tests/yardsticks](../../../tests/yardsticks)).
//!
//! One turn of each a round; calls a second are compared with the fastest of the others, so more is better. A language that is not on
//! this machine is left out, and said so. `cargo bench -p ucanpay-core --features aws-lc-rs --bench languages`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints, and a panic is its report"
)]

use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use base64::{Engine, engine::general_purpose::STANDARD};
use figures::Turns;
use ucanpay_core::{
    Fields, Merchant, MerchantId, Nonce, OrderQuery, OutTradeNo, PrivateKey, SignatureScheme,
    canonical_string,
};

const SCHEME: SignatureScheme = SignatureScheme::DOCUMENTED;
const ROUNDS: usize = 15;
const BITS: [&str; 2] = ["1024", "2048"];
const DATA: &str = r#"{"merchantId":"2000000010","deviceNo":"till-1","nonceStr":"5K8264ILTKCH16CQ25S","currency":"CAD","sceneType":"NATIVE","totalAmt":450,"ucpOrderNo":"563465342654643","outTradeNo":"VEC20260301A","tradeStatus":"SUCCESS","signType":"RSA","body":"coffee","timeEnd":"2026-03-01T12:00:04""#;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let merchants = BITS.map(|bits| prepare(folder.path(), bits));
    let mut others = Other::all(folder.path());
    for (bits, merchant) in BITS.into_iter().zip(&merchants) {
        let body = fs::read(folder.path().join(format!("notification-{bits}.json"))).unwrap();
        compare(&mut others, &format!("verify {bits}"), 4_000, || {
            black_box(merchant.verify_notification(black_box(&body))).unwrap();
        });
    }
    let query = OrderQuery {
        out_trade_no: OutTradeNo::new("VEC20260301A").unwrap(),
        ucp_order_no: None,
    };
    compare(&mut others, "sign 2048", 400, || {
        black_box(merchants[1].sign(black_box(&query), Nonce::random())).unwrap();
    });
}

/// Writes keys and messages where the others read them.
fn prepare(folder: &Path, bits: &str) -> Merchant {
    let keys = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/keys"
    ));
    let [own, platform] = ["merchant", "platform"]
        .map(|who| fs::read(keys.join(format!("{who}-{bits}.pkcs8.pem"))).unwrap());
    fs::write(folder.join(format!("merchant-{bits}.pem")), &own).unwrap();
    let public = format!("platform-{bits}.pub.pem");
    fs::copy(keys.join(&public), folder.join(&public)).unwrap();
    let gateway = PrivateKey::from_bytes(&platform).unwrap();
    let canonical =
        canonical_string(&Fields::parse(format!("{DATA}}}").as_bytes()).unwrap()).unwrap();
    let message = SCHEME.message(&canonical, None);
    let sign = STANDARD.encode(gateway.signer().sign(SCHEME.digest, &message).unwrap());
    let body = format!(
        r#"{{"code":0,"msg":"SUCCESS","data":{DATA},"sign":"{sign}"}},"timestamp":"2026-03-01T12:00:05Z"}}"#
    );
    fs::write(folder.join(format!("notification-{bits}.json")), body).unwrap();
    let order = "merchantId=2000000010&nonceStr=5K8264ILTKCH16CQ2502SI8&outTradeNo=VEC20260301A&signType=RSA";
    fs::write(folder.join("order.txt"), order).unwrap();
    let own = PrivateKey::from_bytes(&own).unwrap();
    let id = MerchantId::new("2000000010").unwrap();
    Merchant::new(id, own, [gateway.public_key().clone()]).unwrap()
}

/// Turn by turn, calls a second.
fn compare(others: &mut [Other], what: &str, times: usize, ours: impl Fn()) {
    let row = format!("languages {what}");
    if others.is_empty() {
        figures::not_measured(&row, "no other language is on this machine");
        return;
    }
    let calls = f64::from(u32::try_from(times).unwrap());
    let turn = || {
        let begun = Instant::now();
        (0..times).for_each(|_| ours());
        begun.elapsed().as_secs_f64() / calls
    };
    // The others compile what runs often.
    for other in others.iter_mut() {
        other.run(what, times * 4);
    }
    turn();
    let mut each = vec![Turns::default(); others.len()];
    for _ in 0..ROUNDS {
        for (other, turns) in others.iter_mut().zip(&mut each) {
            let theirs = other.run(what, times) / 1e9 / calls;
            turns.add(turn().recip(), theirs.recip());
        }
    }
    for (other, turns) in others.iter().zip(&each) {
        println!("  {what}, {}: {:.0}/s", other.name, turns.yardstick());
    }
    let fastest = each.iter().zip(others.iter());
    let (turns, other) = fastest
        .max_by(|a, b| a.0.yardstick().total_cmp(&b.0.yardstick()))
        .unwrap();
    turns.report(&row, &format!("{what}, beside {}", other.name), "/s");
}

struct Other {
    name: &'static str,
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Other {
    fn all(folder: &Path) -> Vec<Self> {
        let scripts = PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/yardsticks"
        ));
        let languages = [
            ("the Java sample", "java", "Yardstick.java"),
            ("Node's crypto", "node", "yardstick.js"),
            ("Python's cryptography", "python3", "yardstick.py"),
        ];
        let start =
            |(name, program, script)| Self::start(name, program, &scripts.join(script), folder);
        languages.into_iter().filter_map(start).collect()
    }

    /// `None` if it is not there, or lacks its library.
    fn start(name: &'static str, program: &str, script: &Path, folder: &Path) -> Option<Self> {
        let process = Command::new(program)
            .arg(script)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut process) = process else {
            println!("{name}: NOT MEASURED, {program} is not on this machine");
            return None;
        };
        let to = process.stdin.take().unwrap();
        let from = BufReader::new(process.stdout.take().unwrap());
        let mut other = Self {
            name,
            process,
            to,
            from,
        };
        if other.ask("verify 2048 1").is_none() {
            println!("{name}: NOT MEASURED, it does not run here");
            return None;
        }
        Some(other)
    }

    /// Nanoseconds for all of them.
    fn run(&mut self, what: &str, times: usize) -> f64 {
        self.ask(&format!("{what} {times}")).unwrap()
    }

    fn ask(&mut self, line: &str) -> Option<f64> {
        writeln!(self.to, "{line}").ok()?;
        let mut answer = String::new();
        self.from.read_line(&mut answer).ok()?;
        answer.trim().parse().ok()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // Its own kind of end, the end of its input, comes too late for one that hangs.
        let _ended = self.process.kill();
        let _waited = self.process.wait();
    }
}
