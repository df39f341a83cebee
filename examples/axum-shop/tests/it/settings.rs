//! Settings: what is wrong is named, and nothing starts.

use std::collections::HashMap;
use std::ffi::OsString;

use axum_shop::settings::GatewaySetting;
use axum_shop::{OpenError, Program, SettingError, Settings};
use ucanpay_core::{Amount, Currency, PrivateKey, PublicKey, Received, SignatureScheme};
use ucanpay_storefront::provider::PaymentIntent;
use ucanpay_storefront::{PaymentProvider, Reference};

use crate::shop::account;

fn read(set: &[(&str, &str)]) -> Result<Settings, SettingError> {
    let set: HashMap<_, _> = set.iter().copied().collect();
    Settings::read(|name| set.get(name).map(OsString::from))
}

fn error(set: &[(&str, &str)]) -> SettingError {
    read(set).expect_err("these settings cannot be used")
}

#[test]
fn without_settings_the_sandbox_runs_inside() {
    for set in [&[][..], &[("UCANPAY_BASE_URL", ""), ("LISTEN", " ")]] {
        let settings = read(set).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:3000");
        assert_eq!(settings.database_url.as_str(), "sqlite://data/shop.sqlite");
        assert!(settings.admin_token.is_none());
        let GatewaySetting::Sandbox(listen) = settings.gateway else {
            panic!("an account was made of nothing")
        };
        assert_eq!(listen.to_string(), "127.0.0.1:8090");
    }
}

#[test]
fn with_all_five_an_account_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let mut set = account(folder.path());
    // Two platform keys, for the time of a change.
    let own = folder.path().join("second.pub.pem");
    let second = PrivateKey::generate(1024).unwrap();
    std::fs::write(&own, second.public_key().to_spki_pem()).unwrap();
    set[3].1 = format!("{}, {}", set[3].1, own.display());
    set.push((
        "UCANPAY_PAY_LINK_BASE_URL",
        "https://pay.example".to_owned(),
    ));
    let set: Vec<_> = set.iter().map(|(name, value)| (*name, &**value)).collect();
    assert!(matches!(
        read(&set).unwrap().gateway,
        GatewaySetting::Account(_)
    ));
}

#[test]
fn the_signed_set_is_the_one_that_requests_are_signed_by() {
    let folder = tempfile::tempdir().unwrap();
    let mut set = account(folder.path());
    let own = PublicKey::from_bytes(&std::fs::read(folder.path().join("own.pub.pem")).unwrap());
    set.push(("UCANPAY_SIGNED_SET", "without-sign-type".to_owned()));
    let set: Vec<_> = set.iter().map(|(name, value)| (*name, &**value)).collect();
    let GatewaySetting::Account(provider) = read(&set).unwrap().gateway else {
        panic!("the account is set")
    };
    let intent = PaymentIntent {
        reference: Reference::random(),
        amount: Amount::new(450).unwrap(),
        currency: Currency::CAD,
        subject: "coffee".into(),
        description: "two flat whites".into(),
    };
    let request = provider.prepare_payment(&intent).unwrap();
    let scheme = SignatureScheme::DOCUMENTED;
    let verified = |set: &str| {
        let keys = std::slice::from_ref(own.as_ref().unwrap());
        Received::verify(&request.body, keys, scheme, set.parse().unwrap(), None).is_ok()
    };
    assert!(verified("without-sign-type") && !verified("documented"));
}

#[test]
fn some_but_not_all_is_refused_and_the_missing_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let all = account(folder.path());
    for missing in 0..5 {
        let set: Vec<_> = all
            .iter()
            .filter(|(name, _)| *name != all[missing].0)
            .map(|(name, value)| (*name, &**value))
            .collect();
        let error = error(&set);
        assert_eq!(error.setting(), all[missing].0);
        assert!(error.to_string().contains("is not set"), "{error}");
    }
    let only = error(&[("UCANPAY_MERCHANT_ID", "2000000010")]).to_string();
    for name in [
        "UCANPAY_BASE_URL",
        "UCANPAY_PRIVATE_KEY_FILE",
        "UCANPAY_NOTIFY_BASE_URL",
    ] {
        assert!(only.contains(name), "{only}");
    }
    let links = error(&[("UCANPAY_PAY_LINK_BASE_URL", "https://pay.example")]);
    assert!(
        links.to_string().contains("UCANPAY_PAY_LINK_BASE_URL is"),
        "{links}"
    );
    let set = error(&[("UCANPAY_SIGNED_SET", "empty")]);
    assert!(set.to_string().contains("UCANPAY_SIGNED_SET is"), "{set}");
}

#[test]
fn each_setting_that_is_wrong_is_named_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let long = format!("https://{}.example", "shop".repeat(12));
    let all = account(folder.path());
    for (name, value, expected) in [
        ("UCANPAY_BASE_URL", "api.ucanpay.ca".to_owned(), "absolute"),
        (
            "UCANPAY_BASE_URL",
            "ftp://api.ucanpay.ca".to_owned(),
            "scheme",
        ),
        ("UCANPAY_MERCHANT_ID", "a&b".to_owned(), "merchant id"),
        (
            "UCANPAY_PRIVATE_KEY_FILE",
            file("none.pem"),
            "cannot be read",
        ),
        (
            "UCANPAY_PRIVATE_KEY_FILE",
            file("garbage.pem"),
            "neither PEM",
        ),
        (
            "UCANPAY_PRIVATE_KEY_FILE",
            file("own.pub.pem"),
            "this is a public key",
        ),
        (
            "UCANPAY_PLATFORM_KEY_FILE",
            file("none.pem"),
            "cannot be read",
        ),
        (
            "UCANPAY_PLATFORM_KEY_FILE",
            file("own.pem"),
            "this is a private key",
        ),
        (
            "UCANPAY_PLATFORM_KEY_FILE",
            file("own.pub.pem"),
            "merchant's own key",
        ),
        (
            "UCANPAY_PLATFORM_KEY_FILE",
            ",".to_owned(),
            "names no key file",
        ),
        ("UCANPAY_NOTIFY_BASE_URL", long, "at most 64 characters"),
        (
            "UCANPAY_NOTIFY_BASE_URL",
            "shop.example".to_owned(),
            "absolute",
        ),
        (
            "UCANPAY_PAY_LINK_BASE_URL",
            "pay.example".to_owned(),
            "http or https",
        ),
        (
            "UCANPAY_SIGNED_SET",
            "percent,everything".to_owned(),
            "without-sign-type, envelope, empty",
        ),
    ] {
        let mut set: HashMap<_, _> = all.iter().cloned().collect();
        set.insert(name, value.clone());
        let set: Vec<_> = set.iter().map(|(name, value)| (*name, &**value)).collect();
        let error = error(&set);
        assert_eq!(error.setting(), name, "{error}");
        assert!(error.to_string().starts_with(name));
        assert!(error.to_string().contains(expected), "{value}: {error}");
        assert!(!error.to_string().contains("BEGIN"), "{error}");
    }
    for (name, value, expected) in [
        ("LISTEN", "3000", "not an address with a port"),
        ("LISTEN", "localhost", "not an address with a port"),
        ("SANDBOX_LISTEN", "8090", "not an address with a port"),
        (
            "DATABASE_URL",
            "mysql://localhost/shop",
            "neither a SQLite nor",
        ),
        ("DATABASE_URL", "sqlite::memory:", "in memory"),
    ] {
        let error = error(&[(name, value)]);
        assert_eq!(error.setting(), name);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_setting_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt as _;
    let error = Settings::read(|name| (name == "LISTEN").then(|| OsString::from_vec(vec![0xff])));
    assert!(error.unwrap_err().to_string().contains("not UTF-8"));
}

#[tokio::test]
async fn what_cannot_be_opened_is_blamed_on_its_setting() {
    let folder = tempfile::tempdir().unwrap();
    let somebody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = somebody.local_addr().unwrap().to_string();
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    let file = folder.path().join("file");
    std::fs::write(&file, "no database, and no folder").unwrap();
    let file = file.to_str().unwrap();
    let (database, below) = (
        format!("sqlite://{file}"),
        format!("sqlite://{file}/shop.sqlite"),
    );
    for (name, value, expected) in [
        ("LISTEN", &*taken, "cannot be listened on"),
        ("SANDBOX_LISTEN", &taken, "cannot be listened on"),
        ("SHOP_DATA_DIR", file, "cannot be made"),
        ("DATABASE_URL", &database, "cannot be used"),
        ("DATABASE_URL", &below, "cannot be made"),
        (
            "DATABASE_URL",
            "postgres://shop:latte@localhost/shop?host=/nowhere",
            "is postgres://localhost/shop, which cannot be used",
        ),
    ] {
        let mut set = HashMap::from([
            ("LISTEN", "127.0.0.1:0"),
            ("SANDBOX_LISTEN", "127.0.0.1:0"),
            ("SHOP_DATA_DIR", &*data),
        ]);
        set.insert(name, value);
        let set: Vec<_> = set.into_iter().collect();
        let opened = Program::open(read(&set).unwrap()).await;
        let Err(OpenError::Setting(error)) = opened else {
            panic!("{name}={value}: {opened:?}")
        };
        assert_eq!(error.setting(), name, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_second_shop_on_the_same_data_folder_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    let set = [
        ("LISTEN", "127.0.0.1:0"),
        ("SANDBOX_LISTEN", "127.0.0.1:0"),
        ("SHOP_DATA_DIR", &*data),
    ];
    let first = Program::open(read(&set).unwrap()).await.unwrap();
    let second = tokio::time::timeout(
        std::time::Duration::from_secs(2),
        Program::open(read(&set).unwrap()),
    );
    let Err(OpenError::Setting(error)) = second.await.unwrap() else {
        panic!("two shops on one folder")
    };
    assert_eq!(error.setting(), "SHOP_DATA_DIR");
    let holder = format!("(process {})", std::process::id());
    assert!(error.to_string().contains(&holder), "{error}");
    drop(first);
}
