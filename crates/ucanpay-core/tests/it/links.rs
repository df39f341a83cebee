//! `links.json`.

use ucanpay_core::{Amount, LinkOrder, LinkStyle, PayLinks};

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

#[cfg(feature = "qr")]
#[test]
fn a_link_becomes_an_svg_and_a_novel_does_not() {
    let svg = ucanpay_core::qr::svg("https://ucanpaydev.page.link/?link=x").unwrap();
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"), "{svg}");
    assert!(ucanpay_core::qr::svg(&"a".repeat(5000)).is_err());
}
