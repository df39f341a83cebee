//! `links.json`.

use ucanpay_core::{
    Amount, LinkAmount, LinkJoint, LinkNumber, LinkOrder, LinkStyle, PayLinks, SceneType,
};

use crate::fixtures::vectors;

#[test]
fn every_link_is_the_expected_one() {
    let vectors = vectors("links");
    let vectors = vectors["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 12);
    for vector in vectors {
        let style = match vector["style"].as_str().unwrap() {
            "AsPrinted" => LinkStyle::AsPrinted,
            "FullyEncoded" => LinkStyle::FullyEncoded,
            other => panic!("{other}"),
        };
        let links = PayLinks::default().with_style(style);
        let order = LinkOrder {
            ucp_order_no: vector["ucpOrderNo"].as_str().unwrap(),
            out_trade_no: "unused",
            amount: Amount::new(vector["amount"].as_i64().unwrap()).unwrap(),
            item: vector["item"].as_str().unwrap(),
        };
        let url = match vector["flow"].as_str().unwrap() {
            "app" => links.app(&order, vector["sign"].as_str().unwrap()),
            "dynamic-qr" => links.dynamic_qr(&order),
            other => panic!("{other}"),
        };
        assert_eq!(url, vector["url"].as_str().unwrap());
    }
}

#[test]
fn what_the_reference_leaves_open_can_be_set() {
    let order = LinkOrder {
        ucp_order_no: "377",
        out_trade_no: "A1",
        amount: Amount::new(1_005).unwrap(),
        item: "coffee",
    };
    let links = PayLinks::default()
        .with_base_url("http://127.0.0.1:8090/")
        .with_package("an.app")
        .with_amount(LinkAmount::Decimal)
        .with_out_order_no(LinkNumber::OutTradeNo)
        .with_joint(LinkJoint::Encoded);
    assert_eq!(
        links.app(&order, "s="),
        "http://127.0.0.1:8090/?link=http://127.0.0.1:8090/pay?outOrderNo%3DA1%26ucpOrderNo%3D377%26amount%3D10.05\
         %26item%3Dcoffee&sign=s%3D&apn=an.app"
    );
}

#[test]
fn the_scene_chooses_the_link_and_that_of_the_app_needs_the_sign() {
    let links = PayLinks::default();
    let order = LinkOrder {
        ucp_order_no: "377",
        out_trade_no: "A1",
        amount: Amount::new(450).unwrap(),
        item: "coffee",
    };
    let dynamic = Some(links.dynamic_qr(&order));
    assert_eq!(links.in_scene(SceneType::Native, &order, None), dynamic);
    assert_eq!(
        links.in_scene(SceneType::Native, &order, Some("s=")),
        dynamic
    );
    for scene in [SceneType::Jsapi, SceneType::Mweb] {
        assert_eq!(links.in_scene(scene, &order, None), None);
        let app = Some(links.app(&order, "s="));
        assert_eq!(links.in_scene(scene, &order, Some("s=")), app);
    }
}

#[cfg(feature = "qr")]
#[test]
fn a_link_becomes_an_svg_and_a_novel_does_not() {
    let svg = ucanpay_core::qr::svg("https://ucanpaydev.page.link/?link=x").unwrap();
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"), "{svg}");
    assert!(ucanpay_core::qr::svg(&"a".repeat(5000)).is_err());
}
