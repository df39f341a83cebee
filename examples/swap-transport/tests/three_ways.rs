//! What `cargo run -p swap-transport` does, and one thing more.

#![allow(clippy::unwrap_used, reason = "a test ends with a panic")]

use swap_transport::{LocalGateway, over_a_mock, over_hyper, through_a_proxy};

#[tokio::test]
async fn an_order_is_placed_over_hyper() {
    let gateway = LocalGateway::start().await.unwrap();
    let report = over_hyper::run(&gateway).await.unwrap();
    assert!(report.contains("was placed"), "{report}");
}

#[tokio::test]
async fn a_gateway_that_is_gone_is_known_not_to_have_been_reached_over_hyper() {
    let mut gateway = LocalGateway::start().await.unwrap();
    // Taken and not listened on: connections are refused.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    gateway.url = format!("http://{}", socket.local_addr().unwrap());
    let error = over_hyper::run(&gateway).await.unwrap_err();
    let error: &ucanpay_transport::Error = error.downcast_ref().unwrap();
    assert_eq!(error.effect(), ucanpay_transport::Effect::None, "{error:?}");
}

#[tokio::test]
async fn a_mock_that_loses_every_answer_leaves_the_outcome_unknown() {
    let gateway = LocalGateway::start().await.unwrap();
    let report = over_a_mock::run(&gateway).await.unwrap();
    assert!(report.contains("after 2 lost answers"), "{report}");
}

#[tokio::test]
async fn an_order_goes_through_the_proxy() {
    let gateway = LocalGateway::start().await.unwrap();
    let report = through_a_proxy::run(&gateway).await.unwrap();
    assert!(report.contains("forwarded 2 requests"), "{report}");
}
