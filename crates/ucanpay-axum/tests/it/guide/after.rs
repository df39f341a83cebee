//! Cakes to order.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;
use tokio::net::TcpListener;

/// What a cake costs, in cents.
const PRICE: i64 = 2_800;

#[derive(Clone)]
pub struct Shop {
    /// For whom the cakes are, by number.
    pub orders: Arc<Mutex<HashMap<u128, String>>>,
    pub payments: ucanpay_axum::storefront::Payments,
}

pub fn app(shop: Shop) -> Router {
    Router::new()
        .route("/orders", post(order))
        .route("/orders/{number}", get(show))
        .nest("/ucanpay", ucanpay_axum::payments_router(&shop.payments))
        .with_state(shop)
}

async fn order(State(shop): State<Shop>, name: String) -> Result<String, StatusCode> {
    let number = shop.add(name);
    let mut answer = format!("Order {number}: one cake, {PRICE} cents.\n");
    let cake = ucanpay_axum::storefront::StartPayment::new(format!("CAKE{number}"), PRICE, "Cake")?;
    let payment = shop.payments.start(cake).await?;
    answer += &format!("Pay: {}\n", payment.pay_link().unwrap_or("see your order"));
    answer.push_str("Thank you!\n");
    Ok(answer)
}

async fn show(State(shop): State<Shop>, Path(number): Path<u128>) -> Result<String, StatusCode> {
    let name = shop.name(number).ok_or(StatusCode::NOT_FOUND)?;
    let mut answer = format!("A cake for {name}.\n");
    answer.push_str(&format!("Its payment: /ucanpay/status/CAKE{number}\n"));
    answer.push_str("Thank you!\n");
    Ok(answer)
}

impl Shop {
    /// No number stands for two orders, not even after a restart: it is the microsecond of the order.
    fn add(&self, name: String) -> u128 {
        let mut orders = self.orders.lock().unwrap();
        let mut number = UNIX_EPOCH.elapsed().unwrap().as_micros();
        while orders.contains_key(&number) {
            number += 1;
        }
        orders.insert(number, name);
        number
    }

    fn name(&self, number: u128) -> Option<String> {
        self.orders.lock().unwrap().get(&number).cloned()
    }
}

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let shop = Shop {
        orders: Arc::default(),
        payments: ucanpay_axum::storefront::Payments::from_env().await?,
    };
    let bake = ucanpay_axum::storefront::on_paid(async |cake| std::fs::write(cake.as_str(), ""));
    shop.payments.spawn(bake);
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, app(shop)).await?;
    Ok(())
}
