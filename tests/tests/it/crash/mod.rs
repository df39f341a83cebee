//! Shops are killed with `kill -9`, and the database is crashed, under load, again and again; what was acknowledged is
//! written down elsewhere. Afterwards nothing acknowledged is missing, and each paid order is paid once, with one effect.
//!
//! The shops are the ordinary programs, without a hook for this test; their ledger has one index more, by which messages are
//! looked up. Whether a kill fell between a commit and its acknowledgement is seen from outside: while notifications are
//! held back, the ledger is asked for the messages that were handed over and not answered. One that stands there all the
//! same was committed, and died before its answer. Every other kill is blind; before the others the shop is stopped
//! (`SIGSTOP`) at one moment after another until it stands there.
//!
//! `UCANPAY_PROVE_KILLS`, `UCANPAY_PROVE_ACKNOWLEDGEMENTS` and `UCANPAY_PROVE_POSTGRES_CRASHES` make it longer. The moments
//! are a matter of chance, and cannot be had again.

mod buyers;
#[path = "../../../../crates/ucanpay-storefront/tests/it/invariants.rs"]
#[allow(dead_code, reason = "the storefront's own tests use all of it")]
mod invariants;
mod ledger;
mod sender;

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use private_postgres::Cluster;
use tokio::task::JoinSet;

use crate::gateway_apart::Place;
use crate::processes::{Gateway, Log, Process, free_address, size};
use buyers::{BACK, Load};
use ledger::Ledger;
use sender::Sender;

/// How long the whole may take to come to rest.
const REST: Duration = Duration::from_secs(120);

/// How long is waited for acknowledgements before the next end comes all the same.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a shop is stopped and looked at before it is killed wherever it is.
const TRIES: usize = 10;

/// Shops under load on one ledger.
struct Scene {
    place: Place,
    gateway: Gateway,
    _gateway: Process,
    notified: SocketAddr,
    sender: Sender,
    ledger: Ledger,
    addresses: Vec<SocketAddr>,
    shops: Vec<Option<Process>>,
    load: Load,
    people: JoinSet<()>,
    tally: Tally,
}

/// What was seen of the ends.
struct Seen {
    ends: usize,
    in_window: usize,
}

impl Seen {
    /// One kill in ten at least fell between a commit and its acknowledgement.
    fn assert_enough(self) {
        let wanted = self.ends.div_ceil(10);
        assert!(
            self.in_window >= wanted,
            "{} of {}",
            self.in_window,
            self.ends
        );
    }
}

#[derive(Default)]
struct Tally {
    /// How many ends fell between a commit and its acknowledgement.
    in_window: usize,
    /// The messages that were in that place. A copy that comes later is there already, and does not count again.
    messages: HashSet<String>,
}

impl Scene {
    async fn set(shops: usize, ledger: impl FnOnce(&Place) -> Ledger) -> Self {
        let place = Place::new().with_log(Log::Off);
        let ledger = ledger(&place);
        let (process, gateway) = place.start_gateway().await;
        let addresses: Vec<_> = (0..shops).map(|_| free_address()).collect();
        let (notified, sender) = Sender::to(&addresses).await;
        let mut running = Vec::new();
        for address in &addresses {
            let (shop, _) = place.start_shop_on(*address, ledger.url(), notified).await;
            running.push(Some(shop));
        }
        ledger.index_signatures().await;
        let (load, people) = Load::on(&addresses, &gateway.url, &sender);
        Self {
            load,
            people,
            place,
            gateway,
            _gateway: process,
            notified,
            sender,
            ledger,
            addresses,
            shops: running,
            tally: Tally::default(),
        }
    }

    async fn start(&mut self, shop: usize) {
        let address = self.addresses[shop];
        let started = self
            .place
            .start_shop_on(address, self.ledger.url(), self.notified);
        let (process, _) = started.await;
        self.shops[shop] = Some(process);
    }

    /// Lets the shops work until about so many more messages are acknowledged, and then a moment longer.
    async fn work(&self, acknowledgements: usize) {
        let enough = self.sender.acknowledgements() + 1 + chance(2 * acknowledgements - 1);
        let since = Instant::now();
        while self.sender.acknowledgements() < enough && since.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(chance(4) as u64)).await;
    }

    /// Stops the shop when it has answered the first of several messages, and lets it go on, until it stands between a
    /// commit and its acknowledgement: a message that is with it, unanswered, is in the ledger. There it is left; or
    /// anywhere, after some tries.
    async fn stop_in_window(&self, shop: usize) {
        let process = self.shops[shop].as_ref().expect("it runs");
        for _ in 0..TRIES {
            self.sender.gather_and_go_on().await;
            process.stop();
            // What it has said already is heard.
            tokio::time::sleep(Duration::from_millis(3)).await;
            if !self.newly_kept(&self.sender.with(shop)).await.is_empty() {
                return;
            }
            process.go_on();
        }
    }

    /// Those of these messages that are in the ledger, and were not found there without an acknowledgement before.
    async fn newly_kept(&self, messages: &[String]) -> HashSet<String> {
        let mut kept = self.ledger.kept(messages).await;
        kept.retain(|message| !self.tally.messages.contains(message));
        kept
    }

    /// `kill -9`, and a look at what it interrupted.
    async fn kill(&mut self, shop: usize) {
        self.sender.hold();
        self.shops[shop].take().expect("it runs").kill();
        self.sender.until_nothing_is_with(shop).await;
        self.start(shop).await;
        self.look().await;
        self.sender.go_on();
    }

    /// The database ends as in a crash, and comes back; the shops live through it.
    async fn crash(&mut self, cluster: &Cluster) {
        cluster.crash();
        tokio::time::sleep(Duration::from_millis(chance(100) as u64)).await;
        self.sender.hold();
        for shop in 0..self.shops.len() {
            self.sender.until_nothing_is_with(shop).await;
        }
        cluster.restart();
        self.look().await;
        self.sender.go_on();
    }

    /// While messages are held back: is what was acknowledged there, and what of the rest is there as well?
    async fn look(&mut self) {
        let answers = self.sender.answers();
        let kept = self.ledger.kept(&answers.acknowledged).await;
        let lost = answers.acknowledged.iter();
        let lost: Vec<_> = lost.filter(|message| !kept.contains(*message)).collect();
        assert!(
            lost.is_empty(),
            "acknowledged, and not in the ledger: {lost:?}"
        );
        let committed = self.newly_kept(&answers.unanswered).await;
        self.tally.in_window += usize::from(!committed.is_empty());
        self.tally.messages.extend(committed);
    }

    /// Says now and then how far it is.
    fn tell(&self, proof: &str, ended: usize, ends: usize) {
        if ended.is_multiple_of(100) {
            println!(
                "{proof}: {ended} of {ends}, {} in the window, {} acknowledgements",
                self.tally.in_window,
                self.sender.acknowledgements()
            );
        }
    }

    /// The load ends, everything comes to rest, and nothing is missing or double.
    async fn end(mut self, proof: &str, ends: usize) -> Seen {
        let done = self.load.stop(&mut self.people).await;
        let paid: HashSet<_> = done.paid.iter().cloned().collect();
        self.ledger.until_paid(paid.len(), REST).await;
        self.shops.clear();
        self.ledger.let_the_leases_of_the_dead_end().await;
        let address = self.addresses[0];
        let last = self
            .place
            .start_shop_on(address, self.ledger.url(), self.notified);
        let (shop, _) = last.await;
        self.ledger.until_at_rest(REST).await;
        drop(shop);

        let acknowledged: Vec<_> = self.sender.acknowledged().into_iter().collect();
        let kept = self.ledger.kept(&acknowledged).await;
        assert_eq!(kept.len(), acknowledged.len(), "acknowledged, and lost");
        let told = self.ledger.told("payment_succeeded").await;
        assert_eq!(
            told,
            once(&paid),
            "each paid order is told to be paid once, and no other is"
        );
        let tickets = self.ledger.tickets().await;
        assert!(tickets.keys().eq(told.keys()), "one effect for each");
        let mut numbers: Vec<_> = tickets.into_values().collect();
        numbers.sort_unstable();
        let all = 1..=i64::try_from(paid.len()).unwrap();
        assert!(numbers.into_iter().eq(all), "each effect once");
        self.check_refunds(&done.refunded).await;
        self.ledger.check_invariants().await;

        let in_window = self.tally.in_window;
        println!(
            "proved: {proof} ends={ends} in_window={in_window} messages_in_window={} acknowledgements={} \
             messages={} payments={} refunds={} lost=0 doubled=0",
            self.tally.messages.len(),
            self.sender.acknowledgements(),
            acknowledged.len(),
            paid.len(),
            done.refunded.len(),
        );
        Seen { ends, in_window }
    }

    async fn check_refunds(&self, refunded: &[String]) {
        let mut expected: Vec<_> = refunded
            .iter()
            .map(|order| {
                (
                    order.clone(),
                    format!("R{order}"),
                    BACK,
                    "succeeded".to_owned(),
                )
            })
            .collect();
        expected.sort_by(|one, other| one.1.cmp(&other.1));
        let mut refunds = self.ledger.refunds().await;
        refunds.sort_by(|one, other| one.1.cmp(&other.1));
        assert_eq!(refunds, expected, "each refund once");
        assert!(!refunded.is_empty(), "nothing was refunded");
        for kind in ["refund_requested", "refund_succeeded"] {
            let told = self.ledger.told(kind).await;
            assert_eq!(told, once(refunded), "{kind} is told once of each");
        }
        for (order, number, cents, _) in expected {
            let there = Load::refunds_at_the_gateway(&self.gateway.url, &order).await;
            assert_eq!(there, [(number, cents)], "{order}, at the gateway");
        }
    }
}

/// Each of these once.
fn once<'a>(orders: impl IntoIterator<Item = &'a String>) -> BTreeMap<String, i64> {
    let orders = orders.into_iter();
    orders.map(|order| (order.clone(), 1)).collect()
}

/// From 0 to less than `end`.
fn chance(end: usize) -> usize {
    let thrown = RandomState::new().hash_one(()) % u64::try_from(end.max(1)).unwrap();
    usize::try_from(thrown).unwrap()
}

/// Half of the kills that are asked for, and how many acknowledgements there are to be for each.
fn kills() -> (usize, usize) {
    let all = size("KILLS", 100);
    let acknowledgements = size("ACKNOWLEDGEMENTS", 1_000);
    (all.div_ceil(2), acknowledgements.div_ceil(all))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "kills a shop fifty times, which takes about a minute"]
async fn a_shop_on_sqlite_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let (kills, acknowledgements) = kills();
    let mut scene = Scene::set(1, |place| {
        Ledger::Sqlite(format!(
            "sqlite://{}",
            place.file("ledger.sqlite").display()
        ))
    })
    .await;
    for kill in 0..kills {
        scene.work(acknowledgements).await;
        if kill % 2 == 1 {
            scene.stop_in_window(0).await;
        }
        scene.kill(0).await;
        scene.tell("kills-sqlite", kill + 1, kills);
    }
    scene.end("kills-sqlite", kills).await.assert_enough();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "kills two shops fifty times, which takes about a minute, and needs PostgreSQL's programs"]
async fn two_shops_on_postgresql_that_are_killed_in_turn_lose_and_double_nothing() {
    let (kills, acknowledgements) = kills();
    let database = private_postgres::database().await;
    let mut scene = Scene::set(2, |_| Ledger::Postgres(database)).await;
    for kill in 0..kills {
        scene.work(acknowledgements).await;
        if kill % 4 > 1 {
            scene.stop_in_window(kill % 2).await;
        }
        scene.kill(kill % 2).await;
        scene.tell("kills-postgresql", kill + 1, kills);
    }
    scene.end("kills-postgresql", kills).await.assert_enough();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "crashes a database twenty times, which takes about a minute, and needs PostgreSQL's programs"]
async fn a_database_that_crashes_again_and_again_loses_and_doubles_nothing() {
    let crashes = size("POSTGRES_CRASHES", 20);
    let cluster = Cluster::durable();
    let mut scene = Scene::set(2, |_| Ledger::Postgres(cluster.url())).await;
    for crash in 0..crashes {
        scene.work(10).await;
        scene.crash(&cluster).await;
        scene.tell("postgresql-crashes", crash + 1, crashes);
    }
    scene.end("postgresql-crashes", crashes).await;
}
