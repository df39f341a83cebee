//! Accounts by their settings: from the environment and from a document, one or several, and every problem by its name.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use ucanpay_core::{
    LinkAmount, LinkJoint, LinkNumber, LinkStyle, PayLinks, ReceivedSuffix, SceneType,
    SignatureScheme,
};
use ucanpay_storefront::provider::{PaymentIntent, ScriptedProvider};
use ucanpay_storefront::{
    AccountSettings, NotificationTopic, PaymentProvider, PaymentRegistry, ProviderFactory,
    ProviderId, Reference, RegistryError, SettingError, UcanpayAccount, UcanpayFactory,
};

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/keys");

fn key(name: &str) -> String {
    Path::new(KEYS).join(name).to_str().unwrap().to_owned()
}

/// An account with nothing but what must be set.
fn block(merchant: &str) -> Value {
    json!({
        "provider": "ucanpay",
        "merchant_id": merchant,
        "private_key_file": key("merchant-2048.pkcs8.pem"),
        "platform_key_file": key("platform-2048.pub.pem"),
        "notify_base_url": "https://shop.example",
    })
}

fn with(mut block: Value, name: &str, value: impl Into<Value>) -> Value {
    block[name] = value.into();
    block
}

fn read(block: Value) -> Result<UcanpayAccount, SettingError> {
    let written: AccountSettings = serde_json::from_value(block).unwrap();
    UcanpayAccount::new(written.at("account"))
}

fn registry(accounts: Vec<Value>) -> Result<PaymentRegistry, RegistryError> {
    let accounts = accounts
        .into_iter()
        .map(|block| serde_json::from_value(block).unwrap());
    PaymentRegistry::builder()
        .factory(UcanpayFactory::new())
        .factory(Scripted)
        .accounts("accounts", accounts)
        .build()
}

#[derive(Debug)]
struct Scripted;

impl ProviderFactory for Scripted {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    fn build(
        &self,
        id: ProviderId,
        account: &AccountSettings,
    ) -> Result<Arc<dyn PaymentProvider>, SettingError> {
        account.refuse_unknown(&["answers_to"])?;
        let id = match account.optional("answers_to")? {
            Some(name) => ProviderId::new(name.text()).unwrap(),
            None => id,
        };
        Ok(Arc::new(ScriptedProvider::new().with_id(id)))
    }
}

/// The members of the order that this provider would send.
fn order(provider: &dyn PaymentProvider) -> Value {
    let start = crate::shop::start("A1", 450);
    let intent = PaymentIntent {
        reference: Reference::new("A1").unwrap(),
        amount: start.amount,
        currency: start.currency,
        subject: start.subject,
        description: start.description,
    };
    serde_json::from_slice(&provider.prepare_payment(&intent).unwrap().body).unwrap()
}

/// The accounts of `docs/providers.md`, as they stand there.
#[test]
fn the_accounts_of_the_page_are_read() {
    #[derive(serde::Deserialize)]
    struct Accounts {
        account: Vec<AccountSettings>,
    }
    const PAGE: &str = include_str!("../../../../docs/providers.md");
    let folder = tempfile::tempdir().unwrap();
    let keys = format!("{}/", folder.path().to_str().unwrap());
    let copies = [
        ("merchant-2048.pkcs8.pem", "merchant.pem"),
        ("merchant-1024.pkcs8.pem", "terrace.pem"),
        ("platform-2048.pub.pem", "ucanpay.pem"),
        ("platform-2048.pub.pem", "birch.secret"),
    ];
    for (fixture, name) in copies {
        std::fs::copy(key(fixture), folder.path().join(name)).unwrap();
    }
    let block = PAGE.split("```toml\n").nth(1).unwrap();
    let block = block.split("```").next().unwrap().replace("keys/", &keys);
    let Accounts { account } = toml::from_str(&block).unwrap();
    let registry = PaymentRegistry::builder()
        .factory(UcanpayFactory::new())
        .factory(Birch)
        .accounts("account", account)
        .build()
        .unwrap();
    assert_eq!(registry.default_id().as_str(), "ucanpay");
    for (id, merchant) in [("terrace", "2000000011"), ("birch", "scripted-merchant")] {
        let provider = registry.get(Some(&ProviderId::new(id).unwrap()));
        assert_eq!(provider.unwrap().merchant(), merchant, "{id}");
    }
}

/// The page's own kind.
#[derive(Debug)]
struct Birch;

impl ProviderFactory for Birch {
    fn kind(&self) -> &'static str {
        "birch"
    }

    fn build(
        &self,
        id: ProviderId,
        account: &AccountSettings,
    ) -> Result<Arc<dyn PaymentProvider>, SettingError> {
        account.refuse_unknown(&["secret_file"])?;
        let file = account.required("secret_file", "name the file with the secret")?;
        std::fs::read(file.text()).unwrap();
        Ok(Arc::new(ScriptedProvider::new().with_id(id)))
    }
}

#[test]
fn two_accounts_and_another_gateway_stand_side_by_side() {
    let registry = registry(vec![
        block("2000000010"),
        with(
            with(block("0"), "merchant_id", 2_000_000_011_u64),
            "id",
            "terrace",
        ),
        json!({ "provider": "scripted" }),
    ])
    .unwrap();
    assert_eq!(registry.default_id().as_str(), "ucanpay");
    let provider = |id| registry.get(Some(&ProviderId::new(id).unwrap())).unwrap();
    for (id, merchant, notify_url) in [
        (
            "ucanpay",
            "2000000010",
            "https://shop.example/ucanpay/payment",
        ),
        (
            "terrace",
            "2000000011",
            "https://shop.example/ucanpay/terrace/payment",
        ),
    ] {
        let order = order(&**provider(id));
        assert_eq!(order["merchantId"], merchant);
        assert_eq!(order["notifyUrl"], notify_url);
        assert_eq!(order["deviceNo"], "web");
    }
    assert_eq!(provider("scripted").merchant(), "scripted-merchant");
}

#[test]
fn an_account_with_an_id_keeps_its_addresses_wherever_it_stands() {
    let named = with(block("2000000010"), "id", "counter");
    for accounts in [
        vec![named.clone()],
        vec![json!({ "provider": "scripted" }), named],
    ] {
        let registry = registry(accounts).unwrap();
        let id = ProviderId::new("counter").unwrap();
        let order = order(&**registry.get(Some(&id)).unwrap());
        assert_eq!(
            order["notifyUrl"],
            "https://shop.example/ucanpay/counter/payment"
        );
    }
}

#[test]
fn a_list_that_cannot_work_is_refused_with_the_place() {
    let scripted = || json!({ "provider": "scripted" });
    for (accounts, expected) in [
        (vec![], "no payment provider is registered"),
        (
            vec![json!({})],
            "accounts[0].provider is not set; write ucanpay or scripted",
        ),
        (
            vec![json!({ "provider": "birch" })],
            "accounts[0].provider is \"birch\", which no factory makes; write ucanpay or scripted",
        ),
        (
            vec![scripted(), scripted()],
            "accounts[1] is the account of accounts[0] once more",
        ),
        (
            vec![
                block("2000000010"),
                with(block("2000000010"), "id", "again"),
            ],
            "accounts[1] is the account of accounts[0] once more: the merchant is 2000000010; configure each merchant once",
        ),
        (
            vec![scripted(), block("2000000010")],
            "accounts[1].id is not set, and this account is not the first",
        ),
        (
            vec![with(block("1"), "id", "a b")],
            "accounts[0].id cannot be used: a provider id must be 1 to 32 of",
        ),
        (
            vec![with(block("1"), "id", "one"), with(block("2"), "id", "one")],
            "two payment providers are called \"one\"",
        ),
        (
            vec![with(block("1"), "id", "x".repeat(32))],
            "accounts[0].notify_base_url cannot be used",
        ),
        (
            vec![with(scripted(), "answers_to", "somebody")],
            "accounts[0].id is scripted, but the provider is called somebody",
        ),
        (
            vec![with(scripted(), "secret", "s3cret")],
            "accounts[0].secret is not known; the settings are id, provider, answers_to",
        ),
    ] {
        let error = registry(accounts).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    let twice = PaymentRegistry::builder()
        .factory(Scripted)
        .factory(Scripted);
    assert_eq!(
        twice.build().unwrap_err(),
        RegistryError::DuplicateFactory("scripted")
    );
}

#[test]
fn each_open_point_that_has_a_setting_is_set_by_it() {
    let plain = read(block("2000000010")).unwrap();
    let merchant = plain.merchant().unwrap();
    assert_eq!(merchant.scheme(), SignatureScheme::DOCUMENTED);
    assert_eq!(merchant.signed_set().to_string(), "documented");
    assert_eq!(plain.pay_links().unwrap(), PayLinks::default());

    for name in SignatureScheme::names() {
        let account = read(with(block("2000000010"), "scheme", name)).unwrap();
        assert_eq!(account.merchant().unwrap().scheme().name(), Some(name));
    }
    let words = json!(["without-sign-type", "percent"]);
    let account = read(with(block("2000000010"), "signed_set", words)).unwrap();
    let set = account.merchant().unwrap().signed_set();
    assert_eq!(set.to_string(), "without-sign-type,percent");

    let account = with(block("2000000010"), "scene", "JSAPI");
    let account = read(with(account, "device", "till7")).unwrap();
    let order = order(&account.provider().unwrap());
    assert_eq!(
        (&order["sceneType"], &order["deviceNo"]),
        (&json!("JSAPI"), &json!("till7"))
    );

    let mut links = block("2000000010");
    for (name, value) in [
        ("pay_link_base_url", "https://pay.example"),
        ("pay_link_package", "ca.example"),
        ("pay_link_style", "fully-encoded"),
        ("pay_link_amount", "decimal"),
        ("pay_link_out_order_no", "outTradeNo"),
        ("pay_link_joint", "encoded"),
    ] {
        links = with(links, name, value);
    }
    let expected = PayLinks::default()
        .with_base_url("https://pay.example")
        .with_package("ca.example")
        .with_style(LinkStyle::FullyEncoded)
        .with_amount(LinkAmount::Decimal)
        .with_out_order_no(LinkNumber::OutTradeNo)
        .with_joint(LinkJoint::Encoded);
    assert_eq!(read(links).unwrap().settings().unwrap().links, expected);
}

#[test]
fn with_a_secret_requests_are_signed_by_keyed_md5() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "s3cret-of-the-merchant\r\n").unwrap();
    let account = with(
        block("2000000010"),
        "md5_secret_file",
        secret.to_str().unwrap(),
    );
    let order = order(&read(account).unwrap().provider().unwrap());
    assert_eq!(order["signType"], "MD5");
    let mut members: Vec<_> = order.as_object().unwrap().iter().collect();
    members.retain(|(name, _)| *name != "sign");
    members.sort_by_key(|(name, _)| name.as_str());
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, value)| format!("{name}={}", text(value)))
        .collect();
    let secret = ucanpay_core::Md5Secret::new("s3cret-of-the-merchant").unwrap();
    let expected = ucanpay_core::keyed_md5(&members.join("&"), &secret);
    assert_eq!(order["sign"], expected);
}

/// The text that the gateway signs ends in the path that the setting says.
#[test]
fn the_received_suffix_is_the_one_that_is_set() {
    use ucanpay_core::{Digest, OrderQuery, PrivateKey};
    let gateway = std::fs::read(key("platform-2048.pkcs8.pem")).unwrap();
    let gateway = PrivateKey::from_bytes(&gateway).unwrap().signer();
    let answer = |suffix: &str| {
        let data = "nonceStr=n&outTradeNo=A1&signType=RSA&totalAmt=450&tradeStatus=SUCCESS&tranTime=2026-01-01T00:00:00&ucpOrderNo=G1";
        let signature = gateway
            .sign(Digest::Sha256, format!("{data}{suffix}").as_bytes())
            .unwrap();
        let mut members: serde_json::Map<String, Value> = data
            .split('&')
            .map(|member| member.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        use base64::Engine as _;
        let sign = base64::engine::general_purpose::STANDARD.encode(signature);
        members.insert("sign".to_owned(), json!(sign));
        json!({ "code": 0, "msg": "OK", "data": members }).to_string()
    };
    for (setting, signed, verifies) in [
        ("none", "", true),
        ("none", "/payment/orderquery", false),
        ("call", "/payment/orderquery", true),
        ("call", "", false),
        ("/gateway", "/gateway", true),
        ("/gateway", "/payment/orderquery", false),
    ] {
        let account = with(block("2000000010"), "scheme", "path-suffixed");
        let account = read(with(account, "received_suffix", setting)).unwrap();
        let merchant = account.merchant().unwrap();
        let verified = merchant.verify_answer::<OrderQuery>(answer(signed).as_bytes());
        assert_eq!(verified.is_ok(), verifies, "{setting} {signed:?}");
    }
}

#[tokio::test]
async fn a_fresh_nonce_is_signed_for_each_repeat_if_that_is_set() {
    use bytes::Bytes;
    use http::{Request, Response};
    use std::sync::Mutex;
    use ucanpay_transport::RetryPolicy;
    const MOMENT: std::time::Duration = std::time::Duration::from_millis(1);
    for (setting, fresh) in [("true", true), ("false", false)] {
        let sent: Arc<Mutex<Vec<Bytes>>> = Arc::default();
        let seen = sent.clone();
        let gateway = tower::service_fn(move |request: Request<Bytes>| {
            seen.lock().unwrap().push(request.into_body());
            let busy = r#"{"code":"SYSTEMERROR","msg":"again"}"#;
            async move { Ok::<_, std::io::Error>(Response::new(Bytes::from(busy))) }
        });
        let account = read(with(block("2000000010"), "fresh_nonce_on_retry", setting)).unwrap();
        let fast = RetryPolicy::default().with_waits(MOMENT, MOMENT);
        let client = account
            .client_with(|builder| builder.retry(fast).build_with(gateway))
            .unwrap();
        let query = ucanpay_core::OrderQuery {
            out_trade_no: ucanpay_core::OutTradeNo::new("A1").unwrap(),
            ucp_order_no: None,
        };
        client.call(&query).await.unwrap_err();
        let sent = sent.lock().unwrap();
        assert!(sent.len() > 1);
        assert_eq!(sent[0] != sent[1], fresh);
    }
}

#[test]
fn each_setting_that_is_wrong_is_named_with_what_is_wrong_and_what_to_do() {
    for (name, value, expected) in [
        ("merchant_id", json!("a&b"), "cannot be a merchant id"),
        (
            "merchant_id",
            json!({ "number": 1 }),
            "is neither a text nor a list of texts",
        ),
        ("merchant_id", json!(2.5), "is neither a text"),
        (
            "merchant_id",
            json!(null),
            "is not set; copy it from the merchant portal",
        ),
        (
            "private_key_file",
            json!(" "),
            "is not set; name the file with the merchant's own key",
        ),
        (
            "private_key_file",
            json!("/nowhere/own.pem"),
            "names /nowhere/own.pem, which cannot be read",
        ),
        (
            "private_key_file",
            json!(key("platform-2048.pub.pem")),
            "this is a public key",
        ),
        (
            "platform_key_file",
            json!(key("merchant-2048.pkcs8.pem")),
            "this is a private key",
        ),
        (
            "platform_key_file",
            json!(key("merchant-2048.pub.pem")),
            "names the merchant's own key",
        ),
        ("platform_key_file", json!([","]), "names no key file"),
        (
            "base_url",
            json!("api.ucanpay.ca"),
            "cannot be used: it is not absolute",
        ),
        (
            "base_url",
            json!("https://user:s3cret@gateway.example"),
            "cannot be used: it holds credentials",
        ),
        ("notify_base_url", json!("shop.example"), "absolute"),
        (
            "scheme",
            json!("sha512"),
            "is \"sha512\", which is no scheme; write documented or single or",
        ),
        ("signed_set", json!("percent,form"), "cannot be used"),
        (
            "received_suffix",
            json!("path"),
            "write none, call, or a path that begins with /",
        ),
        (
            "md5_secret_file",
            json!("s3cret-of-the-merchant"),
            "names a file that cannot be read",
        ),
        (
            "fresh_nonce_on_retry",
            json!("yes"),
            "is \"yes\"; write true or false",
        ),
        (
            "scene",
            json!("native"),
            "is \"native\"; write NATIVE or JSAPI or MWEB",
        ),
        ("device", json!("till=7"), "cannot be used"),
        (
            "pay_link_base_url",
            json!("pay.example"),
            "is not an http or https address",
        ),
        (
            "pay_link_style",
            json!("plain"),
            "write as-printed or fully-encoded",
        ),
        (
            "pay_link_amount",
            json!("dollars"),
            "write cents or decimal",
        ),
        (
            "pay_link_out_order_no",
            json!("both"),
            "write ucpOrderNo or outTradeNo",
        ),
        ("pay_link_joint", json!("&"), "write bare or encoded"),
        (
            "provider",
            json!("birch"),
            "is \"birch\"; write ucanpay, or nothing",
        ),
        (
            "merchent_id",
            json!("1"),
            "is not known; the settings are id, provider, merchant_id",
        ),
    ] {
        let account = read(with(block("2000000010"), name, value.clone()));
        let error = account.and_then(|account| account.provider()).unwrap_err();
        assert_eq!(error.setting(), format!("account.{name}"), "{error}");
        assert!(
            error.to_string().contains(expected),
            "{name} {value}: {error}"
        );
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn each_part_needs_no_setting_but_its_own() {
    type Read = fn(&UcanpayAccount) -> Result<(), SettingError>;
    let parts: [(&str, Read); 11] = [
        ("merchant_id", |a| a.merchant_id().map(drop)),
        ("private_key_file", |a| a.private_key().map(drop)),
        ("platform_key_file", |a| a.platform_keys().map(drop)),
        ("base_url", |a| a.base_url().map(drop)),
        ("notify_base_url", |a| {
            a.notify_url(NotificationTopic::Payment).map(drop)
        }),
        ("notify_base_url", |a| {
            a.notify_url(NotificationTopic::Refund).map(drop)
        }),
        ("md5_secret_file", |a| a.md5_secret().map(drop)),
        ("received_suffix", |a| a.received_suffix().map(drop)),
        ("fresh_nonce_on_retry", |a| {
            a.fresh_nonce_on_retry().map(drop)
        }),
        ("scene", |a| a.scene().map(drop)),
        ("device", |a| a.device().map(drop)),
    ];
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "s3cret").unwrap();
    let mut right = block("2000000010");
    for (name, value) in [
        ("base_url", "https://gateway.example"),
        ("received_suffix", "call"),
        ("md5_secret_file", secret.to_str().unwrap()),
        ("fresh_nonce_on_retry", "true"),
        ("scene", "MWEB"),
        ("device", "till7"),
    ] {
        right = with(right, name, value);
    }
    for (name, part) in parts {
        let alone = json!({ name: right[name] });
        part(&read(alone).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));

        let mut others = right.clone();
        others.as_object_mut().unwrap().remove(name);
        let without = part(&read(others).unwrap());
        let required = block("0").get(name).is_some() || name == "base_url";
        let problem = without.as_ref().map_err(SettingError::problem);
        assert_eq!(
            problem,
            if required { Err("is not set") } else { Ok(&()) },
            "{name}"
        );
    }
}

#[test]
fn a_setting_that_is_left_out_is_as_the_reference_prints_it() {
    let nothing = read(json!({})).unwrap();
    assert_eq!(nothing.received_suffix(), Ok(ReceivedSuffix::None));
    assert_eq!(nothing.fresh_nonce_on_retry(), Ok(false));
    assert_eq!(nothing.scene(), Ok(SceneType::Native));
    assert_eq!(nothing.device().unwrap().as_str(), "web");
    assert!(nothing.md5_secret().unwrap().is_none());
}

#[test]
fn the_notify_addresses_are_those_of_the_orders_and_refunds() {
    for block in [block("1"), with(block("1"), "id", "terrace")] {
        let account = read(block).unwrap();
        let settings = account.settings().unwrap();
        let payment = account.notify_url(NotificationTopic::Payment).unwrap();
        let refund = account.notify_url(NotificationTopic::Refund).unwrap();
        assert_eq!(payment, settings.payment_notify_url);
        assert_eq!(refund, settings.refund_notify_url);
        assert!(refund.as_str().ends_with("/refund"), "{refund}");
    }
}

#[test]
fn the_help_has_each_setting_once_by_its_variable_with_what_it_is() {
    let help = UcanpayAccount::help();
    let lines: Vec<&str> = help.lines().collect();
    assert_eq!(lines.len(), 2 * UcanpayAccount::SETTINGS.len());
    for (name, lines) in UcanpayAccount::SETTINGS.iter().zip(lines.chunks(2)) {
        assert_eq!(lines[0], format!("  UCANPAY_{}", name.to_uppercase()));
        let required = block("0").get(*name).is_some();
        assert_eq!(lines[1].contains(" [default: "), !required, "{}", lines[1]);
    }
}

#[test]
fn an_error_has_what_is_wrong_and_what_to_do_apart() {
    let error = read(json!({})).unwrap().merchant_id().unwrap_err();
    assert_eq!(error.setting(), "account.merchant_id");
    assert_eq!(error.problem(), "is not set");
    assert_eq!(error.advice(), "copy it from the merchant portal");
}

#[test]
fn a_key_in_place_of_its_file_is_recognised_and_not_repeated() {
    let pem = std::fs::read_to_string(key("merchant-2048.pkcs8.pem")).unwrap();
    let base64: String = pem
        .lines()
        .filter(|line| !line.starts_with("---"))
        .collect();
    for written in [pem.clone(), base64.clone()] {
        for name in ["private_key_file", "platform_key_file", "md5_secret_file"] {
            let block = with(block("2000000010"), name, &*written);
            let account = read(block).unwrap();
            let error = account.provider().unwrap_err();
            for shown in [error.to_string(), format!("{error:?} {account:?}")] {
                assert!(!shown.contains(&base64[..16]), "{shown}");
            }
            assert!(error.to_string().contains("file"), "{error}");
        }
    }
    // A name that is a key: the line was pasted without the name before it.
    let error = read(with(block("2000000010"), &base64, "1")).unwrap_err();
    assert!(!error.to_string().contains(&base64[..64]), "{error}");
}

#[test]
fn the_environment_says_it_in_other_names_and_overrides_a_document() {
    let lookup = |set: &[(&'static str, &'static str)]| {
        let set: HashMap<_, _> = set.iter().copied().collect();
        move |name: &str| set.get(name).map(OsString::from)
    };
    let nothing = UcanpayAccount::from_environment(lookup(&[("UCANPAY_MERCHANT_ID", " ")]));
    assert_eq!(nothing.written().places().count(), 0);
    let error = nothing.provider().unwrap_err().to_string();
    assert!(
        error.starts_with("UCANPAY_MERCHANT_ID is not set; copy it"),
        "{error}"
    );

    let wrong = UcanpayAccount::from_environment(lookup(&[
        ("UCANPAY_MERCHANT_ID", "2000000010"),
        ("UCANPAY_SCHEME", "sha512"),
    ]));
    assert_eq!(wrong.scheme().unwrap_err().setting(), "UCANPAY_SCHEME");
    assert_eq!(wrong.merchant_id().unwrap().as_str(), "2000000010");

    let written: AccountSettings = serde_json::from_value(block("1")).unwrap();
    let environment = lookup(&[("UCANPAY_MERCHANT_ID", "2"), ("UCANPAY_SCENE", "none")]);
    let written = written.at("settings.ucanpay").overridden_by(
        "UCANPAY",
        &UcanpayAccount::SETTINGS,
        environment,
    );
    let account = UcanpayAccount::new(written).unwrap();
    assert_eq!(account.merchant_id().unwrap().as_str(), "2");
    assert_eq!(account.settings().unwrap_err().setting(), "UCANPAY_SCENE");
    assert_eq!(account.written().place("device"), "settings.ucanpay.device");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_named() {
    use std::os::unix::ffi::OsStringExt as _;
    let account = UcanpayAccount::from_environment(|name| {
        (name == "UCANPAY_MERCHANT_ID").then(|| OsString::from_vec(vec![0xff]))
    });
    let error = account.merchant_id().unwrap_err().to_string();
    assert!(
        error.starts_with("UCANPAY_MERCHANT_ID is not UTF-8 text"),
        "{error}"
    );
}

#[test]
fn a_document_that_is_no_block_of_settings_is_refused_where_it_is_read() {
    for (document, expected) in [
        (r#""ucanpay""#, "a block of settings"),
        ("[]", "a block of settings"),
        (
            r#"{ "scene": "NATIVE", "scene": "JSAPI" }"#,
            "scene is written twice",
        ),
    ] {
        let error = serde_json::from_str::<AccountSettings>(document).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let empty: AccountSettings = serde_json::from_str("null").unwrap();
    assert_eq!(empty.places().count(), 0);
}
