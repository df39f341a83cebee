//! Notifications: the sandbox's buttons, and what is posted by hand.

use serde_json::Value;

use crate::{
    gateway::Gateway,
    program::{key, run},
    shop::Shop,
};

fn status(shop: &Shop, order: &str) -> String {
    let page = crate::gateway::get(&format!("{}/api/orders/{order}", shop.base));
    let page: Value = serde_json::from_str(&page).unwrap();
    page["status"].as_str().unwrap().to_owned()
}

#[test]
fn the_sandboxes_buttons_are_pressed_and_its_notification_is_genuine() {
    let gateway = Gateway::open(|config| config);
    for order in ["A1", "B1"] {
        let place = [
            "order",
            "place",
            order,
            "--amount",
            "450",
            "--subject",
            "coffee",
        ];
        assert_eq!(gateway.run(&place).code, 0);
    }
    assert_eq!(gateway.run(&["sandbox", "notification", "A1"]).code, 1);
    assert_eq!(
        gateway.run(&["sandbox", "pay", "A1"]).stdout,
        "A1 is SUCCESS\n"
    );
    assert_eq!(
        gateway.run(&["sandbox", "decline", "B1"]).stdout,
        "B1 is PAYERROR\n"
    );
    let body = gateway.run(&["sandbox", "notification", "A1"]).stdout;
    let platform = key("platform-2048.pub.pem");
    let verified = run(
        &["verify", "--key", &platform, "--notification"],
        body.as_bytes(),
    );
    assert_eq!(verified.code, 0, "{}", verified.stderr);

    let unknown = gateway.run(&["sandbox", "pay", "C1"]);
    assert_eq!(unknown.code, 1, "{}", unknown.stderr);
    let nobody = gateway.run(&["sandbox", "pay", "A1", "--sandbox", "http://127.0.0.1:9"]);
    assert_eq!(nobody.code, 4);
    assert!(
        nobody.stderr.contains("`ucanpay sandbox serve` runs one"),
        "{}",
        nobody.stderr
    );
}

#[test]
fn a_shop_takes_what_is_genuine_and_refuses_what_is_spoiled() {
    let gateway = Gateway::open(|config| config);
    let shop = Shop::open(&gateway);
    let order = shop.place(&gateway);
    let url = shop.notify_url();
    for how in [
        "signature",
        "unsigned",
        "amount",
        "key",
        "md5",
        "resplit",
        "twice",
        "truncate",
    ] {
        let spoiled = order.run(&gateway, "notify", &url, &["--corrupt", how]);
        assert_eq!(spoiled.code, 1, "{how}: {}", spoiled.stdout);
        assert!(
            spoiled.stdout.contains("     1  FAIL (HTTP 4"),
            "{how}: {}",
            spoiled.stdout
        );
    }
    assert_eq!(status(&shop, &order.number), "awaiting_payment");

    let copies = ["--repeat", "20", "--concurrency", "5", "--json"];
    let genuine = order.run(&gateway, "notify", &url, &copies);
    assert_eq!(genuine.code, 0, "{}", genuine.stdout);
    let genuine: Value = serde_json::from_str(&genuine.stdout).unwrap();
    assert_eq!(
        (&genuine["sent"], &genuine["taken"]),
        (&20.into(), &20.into())
    );
    assert_eq!(status(&shop, &order.number), "paid");
}

#[test]
fn what_is_posted_can_be_looked_at_changed_and_verified_before() {
    let gateway = Gateway::open(|config| config);
    let platform = key("platform-2048.pkcs8.pem");
    let shown = |more: &[&str]| {
        let about = [
            "notify",
            "http://127.0.0.1:9/ucanpay/payment",
            "--order",
            "A1",
            "--amount",
            "450",
            "--ucp-order-no",
            "7",
            "--platform-private-key",
            &platform,
            "--dry-run",
        ];
        let shown = gateway.run(&[&about[..], more].concat());
        assert_eq!(shown.code, 0, "{}", shown.stderr);
        let public = key("platform-2048.pub.pem");
        let verified = run(&["verify", "--key", &public], shown.stdout.as_bytes());
        assert_eq!(verified.code, 0, "{}", verified.stderr);
        serde_json::from_str::<Value>(&shown.stdout).unwrap()["data"].clone()
    };
    let data = shown(&[
        "--override",
        "totalAmt=451",
        "--override",
        "body=",
        "--override",
        "x=1",
        "--status",
        "PAYERROR",
    ]);
    assert_eq!(data["totalAmt"], 451);
    assert_eq!((&data["body"], &data["x"]), (&Value::Null, &"1".into()));
    assert_eq!(data["tradeStatus"], "PAYERROR");
    let data = shown(&["--refund", "R1", "--refund-amount", "150"]);
    assert_eq!(
        (&data["refundAmt"], &data["refundStatus"]),
        (&150.into(), &"SUCCESS".into())
    );
    assert_eq!(data["tradeStatus"], Value::Null);
}

#[test]
fn an_endpoint_that_is_not_there_is_told_apart_from_one_that_refuses() {
    let gateway = Gateway::open(|config| config);
    let platform = key("platform-2048.pkcs8.pem");
    let notify = |url: &str| {
        gateway.run(&[
            "notify",
            url,
            "--order",
            "A1",
            "--amount",
            "450",
            "--ucp-order-no",
            "7",
            "--platform-private-key",
            &platform,
        ])
    };
    assert_eq!(notify("http://127.0.0.1:9/ucanpay/payment").code, 4);
    // The sandbox itself has no such address.
    let nothing = notify(&format!("{}/ucanpay/payment", gateway.base));
    assert_eq!(nothing.code, 1);
    assert!(
        nothing
            .stdout
            .contains("neither SUCCESS nor FAIL (HTTP 404)"),
        "{}",
        nothing.stdout
    );
    assert_eq!(notify("shop.example").code, 2);
}
