//! The doctor, with everything in order and with one thing wrong at a time.

use std::sync::{Arc, mpsc};

use axum::{Router, routing::any};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use serde_json::Value;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

use crate::{
    gateway::Gateway,
    program::{Run, key, run},
    shop::Shop,
};

/// The verdicts with what was found, for one line of the doctor's.
fn line(run: &Run, what: &str) -> Vec<(String, String)> {
    let found: Value = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr));
    let checks = found["checks"].as_array().unwrap().iter();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    checks
        .filter(|check| check["what"] == what)
        .map(|check| {
            let found = format!("{} {}", text(check, "found"), text(check, "advice"));
            (text(check, "verdict"), found)
        })
        .collect()
}

#[test]
fn a_shop_that_is_set_up_has_nothing_in_its_way() {
    let gateway = Gateway::open(|config| config);
    let shop = Shop::open(&gateway);
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("merchant.pem");
    std::fs::copy(key("merchant-2048.pkcs8.pem"), &own).unwrap();
    let set = |mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&own, std::fs::Permissions::from_mode(mode)).unwrap();
        let changed = [
            ("UCANPAY_NOTIFY_BASE_URL", shop.base.as_str()),
            ("UCANPAY_PRIVATE_KEY_FILE", own.to_str().unwrap()),
        ];
        gateway.run_with(&["doctor"], &changed)
    };
    let well = set(0o600);
    assert_eq!(well.code, 0, "{}{}", well.stdout, well.stderr);
    assert!(
        well.stdout.ends_with("\nNothing is in the way.\n"),
        "{}",
        well.stdout
    );
    let lines = well
        .stdout
        .lines()
        .filter(|line| line.starts_with("good  "));
    assert_eq!(lines.count(), 16, "{}", well.stdout);
    assert!(!well.stdout.contains("look"), "{}", well.stdout);

    let open = set(0o644);
    assert_eq!(open.code, 0, "it may be meant so: {}", open.stdout);
    assert!(open.stdout.contains("chmod 600"), "{}", open.stdout);
}

#[test]
fn each_thing_that_is_wrong_is_named_with_what_to_do() {
    let gateway = Gateway::open(|config| config);
    let shop = Shop::open(&gateway);
    let long = format!("https://{}.example", "a".repeat(40));
    let own_public = key("merchant-2048.pub.pem");
    let platform_private = key("platform-2048.pkcs8.pem");
    // Too long to be asked of any name server.
    let nowhere = format!("http://{}", "a".repeat(70));
    let cases = [
        ("UCANPAY_MERCHANT_ID", "", "merchant id", "merchant portal"),
        (
            "UCANPAY_PRIVATE_KEY_FILE",
            "",
            "own key",
            "ucanpay key generate",
        ),
        (
            "UCANPAY_PRIVATE_KEY_FILE",
            "/missing.pem",
            "own key",
            "cannot be read",
        ),
        (
            "UCANPAY_PRIVATE_KEY_FILE",
            &own_public,
            "own key",
            "this is a public key",
        ),
        (
            "UCANPAY_PLATFORM_KEY_FILE",
            "",
            "gateway's key",
            "merchant portal",
        ),
        (
            "UCANPAY_PLATFORM_KEY_FILE",
            &own_public,
            "gateway's key",
            "merchant's own key",
        ),
        (
            "UCANPAY_PLATFORM_KEY_FILE",
            &platform_private,
            "gateway's key",
            "this is a private key",
        ),
        ("UCANPAY_SCHEME", "md4", "scheme", "ucanpay explain"),
        (
            "UCANPAY_MD5_SECRET_FILE",
            "s3cret",
            "scheme",
            "never the secret itself",
        ),
        (
            "UCANPAY_SIGNED_SET",
            "everything",
            "signed set",
            "ucanpay explain",
        ),
        (
            "UCANPAY_RECEIVED_SUFFIX",
            "sometimes",
            "scheme",
            "write none, call",
        ),
        (
            "UCANPAY_FRESH_NONCE_ON_RETRY",
            "yes",
            "sent again",
            "write true or false",
        ),
        ("UCANPAY_SCENE", "native", "scene", "write NATIVE or JSAPI"),
        (
            "UCANPAY_DEVICE",
            "till=7",
            "device",
            "a few letters and digits",
        ),
        (
            "UCANPAY_PAY_LINK_BASE_URL",
            "pay.example",
            "pay links",
            "https://pay.example",
        ),
        (
            "UCANPAY_PAY_LINK_STYLE",
            "plain",
            "pay links",
            "write as-printed",
        ),
        (
            "UCANPAY_NOTIFY_BASE_URL",
            &long,
            "notify addresses",
            "64 characters",
        ),
        (
            "UCANPAY_NOTIFY_BASE_URL",
            "",
            "notify addresses",
            "as the gateway reaches it",
        ),
        (
            "UCANPAY_NOTIFY_BASE_URL",
            "http://127.0.0.1:9",
            "payment news",
            "start the shop",
        ),
        // The sandbox is no shop.
        (
            "UCANPAY_NOTIFY_BASE_URL",
            &gateway.base,
            "refund news",
            "put UcanpayLayer last",
        ),
        (
            "UCANPAY_BASE_URL",
            "ftp://127.0.0.1",
            "gateway",
            "not an absolute http or https",
        ),
        (
            "UCANPAY_BASE_URL",
            "http://127.0.0.1:9",
            "gateway",
            "the firewall",
        ),
        ("UCANPAY_BASE_URL", &nowhere, "gateway's name", "DNS"),
    ];
    for (name, value, what, said) in cases {
        let base = ("UCANPAY_NOTIFY_BASE_URL", shop.base.as_str());
        let run = gateway.run_with(&["doctor", "--json"], &[base, (name, value)]);
        assert_eq!(run.code, 1, "{name}={value}: {}", run.stdout);
        let found = line(&run, what);
        assert!(
            found
                .iter()
                .any(|(verdict, text)| verdict == "bad" && text.contains(said)),
            "{name}={value}: {found:?}"
        );
    }
}

#[test]
fn what_may_be_meant_so_is_pointed_at_and_is_no_failure() {
    let gateway = Gateway::open(|config| config);
    let (own, platform) = (key("merchant-1024.pkcs8.pem"), key("platform-1024.pub.pem"));
    let changed = [
        ("UCANPAY_PRIVATE_KEY_FILE", own.as_str()),
        ("UCANPAY_PLATFORM_KEY_FILE", &platform),
        ("UCANPAY_PAY_LINK_BASE_URL", ""),
        ("UCANPAY_NOTIFY_BASE_URL", "http://shop.example"),
    ];
    let run = gateway.run_with(&["doctor", "--offline", "--json"], &changed);
    assert_eq!(run.code, 0, "{}", run.stdout);
    for (what, said) in [
        ("own key", "1024 bits"),
        ("gateway's key", "1024 bits"),
        ("pay links", "switched off in 2025"),
        ("notify addresses", "use https"),
    ] {
        let found = line(&run, what);
        assert!(
            found
                .iter()
                .any(|(verdict, text)| verdict == "look" && text.contains(said)),
            "{found:?}"
        );
    }
    // This machine's own name is not one that the real gateway can reach.
    let changed = [
        ("UCANPAY_BASE_URL", "https://api.ucanpay.ca"),
        ("UCANPAY_NOTIFY_BASE_URL", "http://localhost:3000"),
    ];
    let run = gateway.run_with(&["doctor", "--offline", "--json"], &changed);
    assert_eq!(run.code, 1);
    assert_eq!(line(&run, "notify addresses")[0].0, "bad");
}

#[test]
fn a_clock_that_is_wrong_is_found_by_the_gateways_answer() {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async move {
            let long_ago = || async { [("date", "Mon, 01 Jan 2024 00:00:00 GMT")] };
            let router = Router::new().route("/", any(long_ago));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    let base = format!("http://{}", told.recv().unwrap());
    let gateway = Gateway::open(|config| config);
    let run = gateway.run_with(&["doctor", "--json"], &[("UCANPAY_BASE_URL", &base)]);
    let found = line(&run, "clock");
    assert_eq!(found[0].0, "bad");
    assert!(
        found[0].1.contains("s ahead of the gateway's") && found[0].1.contains("NTP"),
        "{found:?}"
    );
}

const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls");

/// A server over TLS with this certificate, on a port of 127.0.0.1.
fn over_tls(certificate: &str) -> u16 {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(format!("{TLS}/{certificate}")).unwrap()],
            PrivateKeyDer::from_pem_file(format!("{TLS}/server.key.pem")).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap().port()).unwrap();
            let router = Router::new().route("/", any(|| async { "here" }));
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, router) = (acceptor.clone(), router.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return; // a client that does not trust it
                    };
                    let service = TowerToHyperService::new(router);
                    hyper_util::server::conn::auto::Builder::new(
                        hyper_util::rt::TokioExecutor::new(),
                    )
                    .serve_connection(TokioIo::new(stream), service)
                    .await
                    .ok();
                });
            }
        });
    });
    told.recv().unwrap()
}

#[test]
fn what_is_wrong_with_the_gateways_certificate_is_named() {
    let gateway = Gateway::open(|config| config);
    let root = format!("{TLS}/root.pem");
    let stranger = format!("{TLS}/server.pem");
    let plain = gateway.base.rsplit_once(':').unwrap().1.to_owned();
    for (host, certificate, trusted, verdict, said) in [
        ("127.0.0.1", "server.pem", &root, "good", "is trusted here"),
        (
            "127.0.0.1",
            "expired.pem",
            &root,
            "bad",
            "has expired, by this machine's clock",
        ),
        ("127.0.0.1", "early.pem", &root, "bad", "not valid yet"),
        ("localhost", "server.pem", &root, "bad", "another server's"),
        (
            "127.0.0.1",
            "server.pem",
            &stranger,
            "bad",
            "nobody that this machine trusts",
        ),
        ("127.0.0.1", "", &root, "bad", "does not speak TLS"),
    ] {
        let port = match certificate {
            "" => plain.clone(),
            certificate => over_tls(certificate).to_string(),
        };
        let base = format!("https://{host}:{port}");
        // Where the machine's root certificates are.
        let changed = [
            ("UCANPAY_BASE_URL", base.as_str()),
            ("SSL_CERT_FILE", trusted),
        ];
        let run = gateway.run_with(&["doctor", "--json"], &changed);
        let found = line(&run, "gateway's TLS");
        assert!(
            found[0].0 == verdict && found[0].1.contains(said),
            "{certificate}: {}",
            run.stdout
        );
        let reached = line(&run, "gateway")[0].0 == "good";
        assert_eq!(reached, verdict == "good", "{certificate}: {}", run.stdout);
    }
}

#[test]
fn every_shell_is_given_words_to_complete() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell], b"");
        assert_eq!(script.code, 0);
        assert!(script.stdout.contains("probe"), "{shell}");
    }
}
