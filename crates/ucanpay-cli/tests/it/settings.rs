//! Each command reads the settings that it uses, as a shop reads them, and no others.

use serde_json::Value;
use ucanpay_storefront::UcanpayAccount;

use crate::{
    gateway::{self, Gateway},
    program::{Run, key, run_in},
};

const SIGNS: [&str; 7] = [
    "UCANPAY_MERCHANT_ID",
    "UCANPAY_PRIVATE_KEY_FILE",
    "UCANPAY_PLATFORM_KEY_FILE",
    "UCANPAY_SCHEME",
    "UCANPAY_SIGNED_SET",
    "UCANPAY_RECEIVED_SUFFIX",
    "UCANPAY_MD5_SECRET_FILE",
];
const SENDS: [&str; 2] = ["UCANPAY_BASE_URL", "UCANPAY_FRESH_NONCE_ON_RETRY"];
const LINKS: [&str; 5] = [
    "UCANPAY_PAY_LINK_BASE_URL",
    "UCANPAY_PAY_LINK_STYLE",
    "UCANPAY_PAY_LINK_AMOUNT",
    "UCANPAY_PAY_LINK_OUT_ORDER_NO",
    "UCANPAY_PAY_LINK_JOINT",
];
/// Without which a command that uses it cannot go on.
const REQUIRED: [&str; 5] = [
    "UCANPAY_MERCHANT_ID",
    "UCANPAY_PRIVATE_KEY_FILE",
    "UCANPAY_PLATFORM_KEY_FILE",
    "UCANPAY_NOTIFY_BASE_URL",
    "UCANPAY_BASE_URL",
];
/// Fits no setting but the Android package, which is any text.
const WRONG: &str = "a&b=c";

/// The variables of all settings: those of the sandbox's merchant where `used` has them, and everywhere else a wrong one.
fn variables(base: &str, used: &[&str]) -> Vec<(String, String)> {
    let right = gateway::settings(base);
    let all = UcanpayAccount::SETTINGS.map(|name| format!("UCANPAY_{}", name.to_uppercase()));
    let all = all.into_iter().filter_map(|variable| {
        let value = match used.contains(&&*variable) {
            true => right.iter().find(|(name, _)| *name == variable)?.1.clone(),
            false => WRONG.to_owned(),
        };
        Some((variable, value))
    });
    all.collect()
}

fn run(variables: &[(String, String)], arguments: &[&str]) -> Run {
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    run_in(&variables, arguments)
}

/// Without the settings that it does not use the command works; with one that it uses wrong or missing it says so.
fn assert_reads(base: &str, arguments: &[&str], used: &[&str]) {
    let right = variables(base, used);
    let well = run(&right, arguments);
    assert_eq!(well.code, 0, "{arguments:?}: {}", well.stderr);
    for name in used {
        let mut wrong = right.clone();
        wrong.retain(|(known, _)| known != name);
        let missing = run(&wrong, arguments);
        if REQUIRED.contains(name) {
            let said = format!("ucanpay: {name} is not set; ");
            assert_eq!(missing.code, 2, "{arguments:?} without {name}");
            assert!(missing.stderr.starts_with(&said), "{}", missing.stderr);
        } else {
            assert_eq!(missing.code, 0, "{arguments:?}: {}", missing.stderr);
        }
        wrong.push(((*name).to_owned(), WRONG.to_owned()));
        let refused = run(&wrong, arguments);
        assert_eq!(
            (refused.code, refused.stdout.as_str()),
            (2, ""),
            "{arguments:?} with {name} wrong"
        );
        let said = format!("ucanpay: {name} ");
        let (problem, advice) = refused.stderr.split_once("; ").unwrap_or_default();
        assert!(problem.starts_with(&said), "{}", refused.stderr);
        assert!(!advice.is_empty(), "{}", refused.stderr);
    }
}

#[test]
fn each_call_reads_what_it_uses_and_no_more() {
    let gateway = Gateway::open(|config| config);
    let base = &gateway.base;
    let place = [
        "order",
        "place",
        "A1",
        "--amount",
        "450",
        "--subject",
        "coffee",
    ];
    let refund = [
        "refund",
        "request",
        "A1",
        "R1",
        "--amount",
        "1",
        "--ucp-order-no",
        "7",
        "--total",
        "450",
    ];
    let order = ["UCANPAY_NOTIFY_BASE_URL", "UCANPAY_SCENE", "UCANPAY_DEVICE"];
    let dry = |arguments: &[&'static str]| [arguments, &["--dry-run"]].concat();

    assert_reads(base, &dry(&place), &[&SIGNS[..], &order].concat());
    assert_reads(base, &dry(&refund), &[&SIGNS[..], &order[..1]].concat());
    for call in [
        &["order", "query", "A1"][..],
        &["order", "close", "A1"],
        &["order", "reverse", "A1"],
        &["refund", "query", "A1", "R1"],
    ] {
        assert_reads(base, &dry(call), &SIGNS);
    }

    assert_reads(base, &place, &[&SIGNS[..], &SENDS, &LINKS, &order].concat());
    assert_reads(
        base,
        &["order", "query", "A1"],
        &[&SIGNS[..], &SENDS].concat(),
    );
}

#[test]
fn an_order_that_was_kept_is_sent_without_what_it_holds_already() {
    let gateway = Gateway::open(|config| config);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("order.json");
    let place = [
        "order",
        "place",
        "A1",
        "--amount",
        "450",
        "--subject",
        "coffee",
        "--scene",
        "JSAPI",
    ];
    let kept = gateway.run(&[&place[..], &["--dry-run"]].concat()).stdout;
    std::fs::write(&file, &kept).unwrap();
    let send = ["order", "place", "--request", file.to_str().unwrap()];
    let used = [&SIGNS[..], &SENDS, &LINKS].concat();
    assert_reads(&gateway.base, &send, &used);
    // The scene is the order's, and not that of the settings.
    let sent = run(&variables(&gateway.base, &used), &send).stdout;
    assert!(sent.contains("/pay?outOrderNo%3D"), "{sent}");
    // Nor can it be one that there is no link for.
    std::fs::write(&file, kept.replace("JSAPI", "NFC")).unwrap();
    let other = gateway.run(&send);
    assert_eq!(other.code, 2, "{}", other.stdout);
    let said = "ucanpay: the request was not sent: sceneType";
    assert!(other.stderr.starts_with(said), "{}", other.stderr);
}

#[test]
fn links_notifications_and_the_sandbox_need_little_and_keys_nothing() {
    let gateway = Gateway::open(|config| config);
    let base = &gateway.base;
    let link = [
        "link",
        "A1",
        "--ucp-order-no",
        "7",
        "--amount",
        "450",
        "--item",
        "coffee",
    ];
    assert_reads(base, &link, &[&LINKS[..], &["UCANPAY_SCENE"]].concat());
    for chosen in [["--scene", "NATIVE"], ["--app", "c2lnbg=="]] {
        assert_reads(base, &[&link[..], &chosen].concat(), &LINKS);
    }

    let (platform, private) = (
        key("platform-2048.pkcs8.pem"),
        key("merchant-2048.pkcs8.pem"),
    );
    let notify = [
        "notify",
        "http://127.0.0.1:9/",
        "--platform-private-key",
        &platform,
        "--order",
        "A1",
        "--amount",
        "450",
        "--ucp-order-no",
        "7",
        "--dry-run",
    ];
    let signature = ["UCANPAY_SCHEME", "UCANPAY_SIGNED_SET"];
    let used = [&["UCANPAY_MERCHANT_ID"][..], &signature].concat();
    assert_reads(base, &notify, &used);
    let named = [&notify[..], &["--merchant-id", "1"]].concat();
    assert_reads(base, &named, &signature);
    let chosen = [&named[..], &["--scheme", "single", "--set", "documented"]].concat();
    assert_reads(base, &chosen, &[]);

    gateway.run(&[
        "order",
        "place",
        "A1",
        "--amount",
        "450",
        "--subject",
        "coffee",
    ]);
    let pay = ["sandbox", "pay", "A1"];
    let paid = run(&variables(base, &["UCANPAY_BASE_URL"]), &pay);
    assert_eq!(paid.code, 0, "{}", paid.stderr);

    let folder = tempfile::tempdir().unwrap();
    let object = folder.path().join("object.json");
    std::fs::write(&object, r#"{"a":"1"}"#).unwrap();
    let object = object.to_str().unwrap();
    for command in [
        &["key", "show", &private][..],
        &["sign", "--key", &private, object],
        &["canonical", object],
        &["qr", "hello"],
    ] {
        assert_reads(base, command, &[]);
    }
}

#[test]
fn scene_and_device_stand_in_the_order_and_the_scene_chooses_the_link() {
    let gateway = Gateway::open(|config| config);
    let place = |number: &str, more: &[&str], changed: &[(&str, &str)]| -> Value {
        let order = [
            "order",
            "place",
            number,
            "--amount",
            "450",
            "--subject",
            "coffee",
        ];
        let run = gateway.run_with(&[&order[..], more].concat(), changed);
        serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr))
    };
    let set = [("UCANPAY_SCENE", "JSAPI"), ("UCANPAY_DEVICE", "till7")];
    let options = ["--scene", "NATIVE", "--device", "bar"];
    for (more, changed, scene, device) in [
        (&[][..], &[][..], "NATIVE", "web"),
        (&[], &set, "JSAPI", "till7"),
        (&options, &set, "NATIVE", "bar"),
    ] {
        let order = place("A0", &[&["--dry-run"], more].concat(), changed);
        assert_eq!(
            (&order["sceneType"], &order["deviceNo"]),
            (&scene.into(), &device.into())
        );
    }

    let code = place("A1", &["--json"], &[]);
    let (link, app) = (code["link"].as_str().unwrap(), &code["appLink"]);
    assert!(!link.contains("sign="), "{link}");
    assert_ne!(link, app);
    assert!(code["note"].to_string().contains("ucanpay qr"), "{code}");
    let phone = place("A2", &["--json"], &set);
    assert_eq!(phone["link"], phone["appLink"]);
    assert!(phone["link"].to_string().contains("&sign="), "{phone}");
    assert!(!phone["note"].to_string().contains("ucanpay qr"), "{phone}");
}

#[test]
fn links_are_as_the_settings_say() {
    let link = |more: &[&str], variables: &[(&str, &str)]| {
        let order = [
            "link",
            "A1",
            "--ucp-order-no",
            "7",
            "--amount",
            "450",
            "--item",
            "coffee",
        ];
        run_in(variables, &[&order[..], more].concat())
    };
    let settings = [
        ("UCANPAY_PAY_LINK_BASE_URL", "https://pay.example/"),
        ("UCANPAY_PAY_LINK_PACKAGE", "ca.example"),
        ("UCANPAY_PAY_LINK_AMOUNT", "decimal"),
        ("UCANPAY_PAY_LINK_OUT_ORDER_NO", "outTradeNo"),
        ("UCANPAY_PAY_LINK_JOINT", "encoded"),
    ];
    assert_eq!(
        link(&["--app", "c2lnbg=="], &settings).stdout,
        "https://pay.example/?link=https://pay.example/pay?outOrderNo%3DA1%26ucpOrderNo%3D7%26amount%3D4.50%26item%3Dcoffee\
         &sign=c2lnbg%3D%3D&apn=ca.example\n"
    );
    let encoded = [
        &settings[..],
        &[("UCANPAY_PAY_LINK_STYLE", "fully-encoded")],
    ]
    .concat();
    assert_eq!(
        link(&[], &encoded).stdout,
        "https://pay.example/?link=https%3A%2F%2Fpay.example%2Fpay%3FucpOrderNo%3D7%26amount%3D4.50%26item%3Dcoffee\
         &apn=ca.example\n"
    );

    let phone = [("UCANPAY_SCENE", "JSAPI")];
    let without = link(&[], &phone);
    assert_eq!((without.code, without.stdout.as_str()), (2, ""));
    assert!(
        without.stderr.contains("give it with --app"),
        "{}",
        without.stderr
    );
    assert_eq!(
        link(&["--scene", "NATIVE"], &phone).stdout,
        link(&[], &[]).stdout
    );
    assert_eq!(link(&["--scene", "JSAPI", "--app", "s"], &[]).code, 2);
}

#[test]
fn a_key_or_secret_in_place_of_its_file_is_not_repeated() {
    let gateway = Gateway::open(|config| config);
    let pem = std::fs::read_to_string(key("merchant-2048.pkcs8.pem")).unwrap();
    let base64: String = pem
        .lines()
        .filter(|line| !line.starts_with("---"))
        .collect();
    for (name, value, canary) in [
        ("UCANPAY_PRIVATE_KEY_FILE", pem.as_str(), &base64[40..56]),
        ("UCANPAY_PRIVATE_KEY_FILE", &base64, &base64[..16]),
        ("UCANPAY_PLATFORM_KEY_FILE", &pem, &base64[40..56]),
        ("UCANPAY_PLATFORM_KEY_FILE", &base64, &base64[..16]),
        ("UCANPAY_MD5_SECRET_FILE", "canary/canary", "canary"),
    ] {
        for command in [
            &["order", "query", "A1"][..],
            &["order", "query", "A1", "--json"],
            &["doctor", "--offline"],
            &["doctor", "--offline", "--json"],
        ] {
            let run = gateway.run_with(command, &[(name, value)]);
            let said = format!("{}{}", run.stdout, run.stderr);
            assert!(said.contains(name) && run.code != 0, "{name}: {said}");
            assert!(!said.contains(canary), "{name}: {said}");
        }
    }
}
