//! The load: buyers who order and pay, and a merchant who gives some of it back. Each asks again, under the same number,
//! until somebody answers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::sender::Sender;
use crate::processes::{ADMIN_TOKEN, client};

const BUYERS: usize = 8;

/// How many paid orders may wait for their acknowledgement: the load is to be steady, not to pile up.
const AHEAD: usize = 24;

/// One order in so many is refunded in part.
const REFUNDED: usize = 8;

/// What goes back, in cents: less than anything costs.
pub(super) const BACK: i64 = 100;

#[derive(Clone)]
pub(super) struct Load(Arc<Inner>);

struct Inner {
    shops: Vec<SocketAddr>,
    gateway: String,
    sender: Sender,
    http: Client,
    stop: AtomicBool,
    paid: Mutex<Vec<String>>,
    refunded: Mutex<Vec<String>>,
    turn: AtomicUsize,
}

/// What is true once all have gone home.
pub(super) struct Done {
    pub(super) paid: Vec<String>,
    /// The orders of which [`BACK`] was given back.
    pub(super) refunded: Vec<String>,
}

impl Load {
    pub(super) fn on(shops: &[SocketAddr], gateway: &str, sender: &Sender) -> (Self, JoinSet<()>) {
        let load = Self(Arc::new(Inner {
            shops: shops.to_vec(),
            gateway: gateway.to_owned(),
            sender: sender.clone(),
            http: client(),
            stop: AtomicBool::new(false),
            paid: Mutex::default(),
            refunded: Mutex::default(),
            turn: AtomicUsize::new(0),
        }));
        let mut people = JoinSet::new();
        for buyer in 0..BUYERS {
            people.spawn(load.clone().buy(buyer));
        }
        people.spawn(load.clone().give_back());
        (load, people)
    }

    /// Nothing new is begun; what was begun is finished.
    pub(super) async fn stop(&self, people: &mut JoinSet<()>) -> Done {
        self.0.stop.store(true, Ordering::SeqCst);
        while let Some(left) = people.join_next().await {
            left.expect("nobody had trouble but what a kill brings");
        }
        Done {
            paid: self.0.paid.lock().unwrap().clone(),
            refunded: self.0.refunded.lock().unwrap().clone(),
        }
    }

    fn stopped(&self) -> bool {
        self.0.stop.load(Ordering::SeqCst)
    }

    fn paid(&self) -> usize {
        self.0.paid.lock().unwrap().len()
    }

    /// One of the shops, each in its turn: one may be dead.
    fn shop(&self) -> SocketAddr {
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed);
        self.0.shops[turn % self.0.shops.len()]
    }

    async fn buy(self, buyer: usize) {
        for n in 0.. {
            while self.paid() > self.0.sender.acknowledgements() + AHEAD && !self.stopped() {
                pause().await;
            }
            let order = format!("B{buyer}N{n}");
            let latte = json!({"order": order, "items": [{"sku": "latte", "quantity": 1}]});
            while !self.stopped() {
                let url = format!("http://{}/api/orders", self.shop());
                let placed = self.0.http.post(url).json(&latte).send().await;
                if placed.is_ok_and(|answer| answer.status() == StatusCode::CREATED) {
                    break;
                }
                pause().await;
            }
            if self.stopped() {
                return;
            }
            self.pay(order).await;
        }
    }

    /// The gateway may not know the order: the shop died before it had placed it. Then this buyer goes away.
    async fn pay(&self, order: String) {
        let url = format!("{}/_sandbox/orders/{order}/pay", self.0.gateway);
        let answer = self.0.http.post(url).send().await;
        let status = answer.expect("the gateway is never killed").status();
        match status {
            StatusCode::OK => self.0.paid.lock().unwrap().push(order),
            StatusCode::NOT_FOUND => {}
            status => panic!("{order} cannot be paid: {status}"),
        }
    }

    async fn give_back(self) {
        for nth in (0..).step_by(REFUNDED) {
            let order = loop {
                if let Some(order) = self.0.paid.lock().unwrap().get(nth) {
                    break order.clone();
                }
                if self.stopped() {
                    return;
                }
                pause().await;
            };
            // Begun or not, nobody can know after a kill: it is asked for until it is accepted.
            let refund = json!({"number": format!("R{order}"), "amount": BACK, "reason": "spilt"});
            loop {
                let url = format!("http://{}/api/orders/{order}/refunds", self.shop());
                let request = self.0.http.post(url).bearer_auth(ADMIN_TOKEN);
                if let Ok(answer) = request.json(&refund).send().await {
                    match answer.status() {
                        StatusCode::ACCEPTED => break,
                        // Not known to be paid yet, or the database is away.
                        StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE => {}
                        status => panic!("{order}: {status}"),
                    }
                }
                pause().await;
            }
            self.0.refunded.lock().unwrap().push(order);
        }
    }

    /// The gateway's own word: number and cents of an order's refunds.
    pub(super) async fn refunds_at_the_gateway(gateway: &str, order: &str) -> Vec<(String, i64)> {
        let url = format!("{gateway}/_sandbox/orders/{order}");
        let order: Value = client()
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let refunds = order["refunds"].as_array().unwrap().iter();
        let refund = |refund: &Value| {
            let number = refund["outRefundNo"].as_str().unwrap().to_owned();
            (number, refund["refundAmt"].as_i64().unwrap())
        };
        refunds.map(refund).collect()
    }
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}
