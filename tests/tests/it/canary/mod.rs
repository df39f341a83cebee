//! What is secret is told to nobody: shop, gateway and command line say everything they have to say (`RUST_LOG=trace`), all
//! that holds a secret is printed by `Debug`, every error is shown, and in all of it the keys, the tokens and a buyer's
//! words are looked for, in every form in which they could have been printed.

mod forms;

use std::fmt::Debug;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use axum_shop::Settings;
use reqwest::StatusCode;
use serde_json::json;
use ucanpay_core::{Amount, Currency, Merchant, MerchantId, PrivateKey, PublicKey};
use ucanpay_storefront::{
    MemoryStore, NotificationTopic, PaymentRegistry, Payments, RawNotification, Reference,
    RefundNumber, RefundRequest, StartPayment, UcanpayProvider, UcanpaySettings,
};
use ucanpay_transport::Client;

use crate::gateway_apart::{Place, key};
use crate::processes::{ADMIN_TOKEN, Log, MERCHANT, paid, text, word};
use crate::signed::payment_notification;
use forms::Secrets;

const PASSWORD: &str = "canary-4d1be07a";
const WORDS: &str = "canary of Ms Tremblay 77";

fn secrets() -> Secrets {
    let mut secrets = Secrets::default();
    for name in ["merchant-1024", "platform-2048"] {
        let pem = key(&format!("{name}.pkcs1.pem"));
        secrets.add_key(&std::fs::read_to_string(pem).unwrap());
    }
    secrets.add_word("the admin token", ADMIN_TOKEN);
    secrets.add_word("the database's password", PASSWORD);
    secrets.add_word("a buyer's words", WORDS);
    secrets
}

#[tokio::test]
async fn a_shop_and_a_gateway_that_say_everything_say_nothing_that_is_secret() {
    let place = Place::new();
    let said = place.file("said.log");
    let place = place.with_log(Log::Everything(said.clone()));
    let (gateway_process, gateway) = place.start_gateway().await;
    let (process, shop) = place.start_shop().await;
    let soon = Duration::from_secs(20);

    let order = shop.order().await;
    gateway.approve_on_the_phone(&order).await;
    shop.until(&order, soon, paid).await;
    let url = format!("/api/orders/{}/refunds", word(&order));
    let refund = json!({"number": "R1", "amount": 100, "reason": WORDS});
    let refused = shop.post(&url, &refund).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(
        shop.refund_because(&order, 100, WORDS)
            .await
            .status()
            .is_success()
    );
    shop.until(&order, soon, |status| status["refunded"] == 100)
        .await;
    shop.merchants_page("/admin").await;
    shop.merchants_page(&format!("/admin/orders/{}", word(&order)))
        .await;
    for forged in [
        payment_notification(&json!({"outTradeNo": word(&order), "attach": WORDS}))
            .replace("\"sign\":\"", "\"sign\":\"A"),
        format!("{{\"data\": \"{WORDS}"),
    ] {
        let (status, _) = shop.notify(forged).await;
        assert!(status.is_client_error(), "{status}");
    }
    // And while the gateway is away.
    gateway_process.kill();
    shop.order().await;
    process.kill();

    let said = std::fs::read(said).unwrap();
    let lines = said.iter().filter(|byte| **byte == b'\n').count();
    assert!(lines > 200, "only {lines} lines were said");
    let text = String::from_utf8_lossy(&said);
    assert!(text.contains("TRACE ucanpay.call") && text.contains("DEBUG sqlx::query"));
    assert_eq!(secrets().found_in(&said), None);
    println!("proved: canary lines={lines} bytes={} found=0", said.len());
}

#[test]
fn a_shop_that_cannot_start_tells_why_and_nothing_that_is_secret() {
    let folder = tempfile::TempDir::new().unwrap();
    let pem = std::fs::read_to_string(key("merchant-1024.pkcs8.pem")).unwrap();
    // A line is missing: the key is there all the same, for whoever has the rest.
    let mut lines: Vec<_> = pem.lines().collect();
    lines.remove(2);
    let broken = folder.path().join("broken.pem");
    std::fs::write(&broken, lines.join("\n")).unwrap();
    let whole = key("merchant-1024.pkcs8.b64");
    let nowhere = format!("postgres://shop:{PASSWORD}@127.0.0.1:1/shop");
    let file = format!("sqlite://{}", folder.path().join("a.sqlite").display());
    for (database, private) in [(&nowhere, whole.as_str()), (&file, text(&broken))] {
        let output = shop_with(folder.path(), database, private);
        assert!(!output.status.success());
        let said = [output.stdout, output.stderr].concat();
        assert!(!said.is_empty());
        assert_eq!(secrets().found_in(&said), None);
    }
}

fn shop_with(folder: &Path, database: &str, private_key: &str) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_test-shop"))
        .env_clear()
        .env("RUST_LOG", "trace")
        .env("LISTEN", "127.0.0.1:0")
        .env("SHOP_DATA_DIR", folder)
        .env("DATABASE_URL", database)
        .env("SHOP_ADMIN_TOKEN", ADMIN_TOKEN)
        .envs(account(private_key))
        .output()
        .unwrap()
}

fn account(private_key: &str) -> [(&'static str, String); 5] {
    [
        ("UCANPAY_BASE_URL", "http://127.0.0.1:1".to_owned()),
        ("UCANPAY_MERCHANT_ID", MERCHANT.to_owned()),
        ("UCANPAY_PRIVATE_KEY_FILE", private_key.to_owned()),
        ("UCANPAY_PLATFORM_KEY_FILE", key("platform-2048.pub.pem")),
        ("UCANPAY_NOTIFY_BASE_URL", "http://127.0.0.1:1".to_owned()),
    ]
}

#[test]
fn the_command_line_says_nothing_that_is_secret_however_it_ends() {
    let private = key("merchant-1024.pkcs8.b64");
    let key = std::fs::read_to_string(&private).unwrap();
    let mut secrets = Secrets::default();
    secrets.add_key(&std::fs::read_to_string(self::key("merchant-1024.pkcs1.pem")).unwrap());
    for line in [
        "doctor",
        "order place A1 --amount 450 --subject coffee",
        "order place A1 --amount 450 --subject coffee --dry-run",
        "order query A1 --json",
        "refund query R1",
        &format!("key show {private}"),
        // Who mistakes a file's contents for its name.
        &format!("key show {}", key.trim()),
        &format!("sign --key {}", key.trim()),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_test-ucanpay"))
            .args(line.split_whitespace())
            .env_clear()
            .env("RUST_LOG", "trace")
            .envs(account(&private))
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(!said.is_empty(), "{line}");
        assert_eq!(secrets.found_in(&said), None, "{line}");
    }
}

/// What was printed by `Debug`, in both of its ways.
#[derive(Default)]
struct Printed(String);

impl Printed {
    fn debug(&mut self, value: &impl Debug) {
        self.0.push_str(&format!("{value:?}\n{value:#?}\n"));
    }

    /// An error with its causes, as a log has it.
    fn error(&mut self, error: &(dyn std::error::Error + 'static)) {
        self.debug(&error);
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.0.push_str(&format!("{error}\n"));
            cause = error.source();
        }
    }
}

#[tokio::test]
async fn whatever_holds_a_secret_shows_nothing_of_it_when_it_is_printed() {
    let mut printed = Printed::default();
    let own = std::fs::read(key("merchant-1024.pkcs8.der")).unwrap();
    let own = PrivateKey::from_bytes(&own).unwrap();
    printed.debug(&own);
    let platform = std::fs::read(key("platform-2048.pub.pem")).unwrap();
    let platform = PublicKey::from_bytes(&platform).unwrap();
    let merchant = Merchant::new(MerchantId::new(MERCHANT).unwrap(), own, [platform]).unwrap();
    printed.debug(&merchant);
    let client = Client::builder(merchant).base_url("http://127.0.0.1:1");
    printed.debug(&client);
    let client = client.build().unwrap();
    printed.debug(&client);
    let provider =
        UcanpayProvider::new(client, UcanpaySettings::new("http://127.0.0.1:1").unwrap());
    printed.debug(&provider);
    let registry = PaymentRegistry::builder()
        .register(provider)
        .build()
        .unwrap();
    printed.debug(&registry);
    let store = Arc::new(MemoryStore::new());
    let payments = Payments::new(store.clone(), registry);
    printed.debug(&payments);

    let start = StartPayment {
        provider: None,
        reference: Reference::new("A1").unwrap(),
        amount: Amount::new(450).unwrap(),
        currency: Currency::CAD,
        subject: WORDS.into(),
        description: WORDS.into(),
        expires_after: None,
    };
    printed.debug(&start);
    let long = StartPayment {
        subject: format!("{WORDS} {WORDS}").into(),
        ..start.clone()
    };
    printed.error(&payments.start(long).await.unwrap_err());
    // Nobody is there: it is recorded all the same.
    printed.debug(&payments.start(start).await.unwrap());
    let key = payments.key(Reference::new("A1").unwrap());
    printed.debug(&payments.timeline(&key).await.unwrap());
    let refund = RefundRequest {
        number: Some(RefundNumber::new("R1").unwrap()),
        amount: Amount::new(100).unwrap(),
        reason: WORDS.into(),
    };
    printed.debug(&refund);
    printed.error(&payments.refund(&key, refund).await.unwrap_err());
    for body in [
        format!("{{\"data\": \"{WORDS}"),
        payment_notification(&json!({"outTradeNo": "A1", "attach": WORDS}))
            .replace("\"sign\":\"", "\"sign\":\"A"),
    ] {
        let note = RawNotification::new(NotificationTopic::Payment, body);
        printed.debug(&note);
        printed.error(&payments.handle_notification(note).await.unwrap_err());
    }
    printed.debug(&store);

    let mut settings: Vec<_> = account(&self::key("merchant-1024.pkcs8.b64")).into();
    let database = format!("postgres://shop:{PASSWORD}@127.0.0.1:1/shop");
    settings.push(("DATABASE_URL", database));
    settings.push(("SHOP_ADMIN_TOKEN", ADMIN_TOKEN.to_owned()));
    let settings = Settings::read(|name| {
        let found = settings.iter().find(|(set, _)| *set == name);
        found.map(|(_, value)| value.into())
    });
    printed.debug(&settings.unwrap());

    assert_eq!(secrets().found_in(printed.0.as_bytes()), None);
}
