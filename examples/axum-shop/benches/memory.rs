//! What the shop holds in memory with the sandbox inside: idle, while 64 connections ask as fast as they are answered, and
//! with thousands of order pages open. The program runs in a process of its own. `cargo bench -p axum-shop --bench memory`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints, and a panic is its report"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use figures::Memory;

const CONNECTIONS: usize = 64;
const BUSY: Duration = Duration::from_secs(10);
const PAGES: usize = 5_000;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Running::start(folder.path());
    let Some(_) = shop.memory() else {
        for row in ["shop idle", "shop busy", "shop pages"] {
            figures::not_measured(row, "there is no /proc here");
        }
        return;
    };
    let orders: Vec<String> = (0..20).map(|_| shop.order()).collect();
    thread::sleep(Duration::from_secs(3));
    shop.report("shop idle", "shop with the sandbox, idle");

    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let (address, order) = (shop.address, orders[number % orders.len()].clone());
            thread::spawn(move || ask(address, &order))
        })
        .collect();
    let answered: usize = clients
        .into_iter()
        .map(|client| client.join().unwrap())
        .sum();
    println!("{answered} answers over {CONNECTIONS} connections in {BUSY:?}");
    assert!(answered > CONNECTIONS, "the load is no load");
    shop.report("shop busy", "shop with the sandbox, 64 busy connections");

    let open = |number: usize| page(shop.address, &orders[number % orders.len()]);
    let pages: Vec<TcpStream> = (0..PAGES).map(open).collect();
    thread::sleep(Duration::from_secs(5));
    shop.report("shop pages", "shop with 5,000 order pages open");
    let begun = shop.cpu();
    thread::sleep(Duration::from_secs(10));
    let percent = (shop.cpu() - begun) * 10.0;
    figures::report(
        "shop pages cpu",
        "… and at work for them",
        percent,
        "% of a core",
    );
    drop(pages);
}

/// Pages and orders in turn, on one connection, for a while; how many were answered.
fn ask(address: SocketAddr, order: &str) -> usize {
    let mut connection = BufReader::new(TcpStream::connect(address).unwrap());
    let (begun, mut answered) = (Instant::now(), 0);
    while begun.elapsed() < BUSY {
        let path = match answered % 3 {
            0 => "/".to_owned(),
            1 => format!("/orders/{order}"),
            _ => format!("/api/orders/{order}"),
        };
        let request = format!("GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n");
        connection.get_mut().write_all(request.as_bytes()).unwrap();
        let (status, _body) = answer(&mut connection);
        assert_eq!(status, 200, "{path}");
        answered += 1;
    }
    answered
}

/// An order's page that waits for news.
fn page(address: SocketAddr, order: &str) -> TcpStream {
    let mut connection = TcpStream::connect(address).unwrap();
    let request = format!("GET /orders/{order}/events HTTP/1.1\r\nHost: shop\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    let mut status = [0; 12];
    connection.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    connection
}

fn answer(connection: &mut BufReader<TcpStream>) -> (u16, Vec<u8>) {
    let mut line = String::new();
    connection.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    let mut length = 0;
    loop {
        line.clear();
        connection.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).unwrap();
    (status, body)
}

/// The shop's program. It is killed when this goes.
struct Running {
    process: Child,
    address: SocketAddr,
}

impl Running {
    fn start(folder: &std::path::Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_axum-shop"))
            .env_clear()
            .env("LISTEN", "127.0.0.1:0")
            .env("SANDBOX_LISTEN", "127.0.0.1:0")
            .env("SHOP_DATA_DIR", folder)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = said.find_map(|line| {
            let line = line.unwrap();
            let (_, address) = line.split_once("shop         http://")?;
            address.trim().parse().ok()
        });
        thread::spawn(move || said.for_each(drop));
        Self {
            process,
            address: address.expect("the shop says where it is"),
        }
    }

    /// Places an order, and gives its number.
    fn order(&self) -> String {
        let mut connection = BufReader::new(TcpStream::connect(self.address).unwrap());
        let body = r#"{"items":[{"sku":"latte","quantity":1}]}"#;
        let request = format!(
            "POST /api/orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        connection.get_mut().write_all(request.as_bytes()).unwrap();
        let (status, body) = answer(&mut connection);
        assert_eq!(status, 201);
        let order: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let number = order["order"].as_str();
        number.expect("the answer names the order").to_owned()
    }

    fn memory(&self) -> Option<Memory> {
        Memory::of(&self.process.id().to_string())
    }

    fn report(&self, row: &str, what: &str) {
        let memory = self.memory().expect("asked before");
        figures::report(row, what, memory.mebibytes(), "MiB");
    }

    /// Seconds of a processor that it has used.
    fn cpu(&self) -> f64 {
        figures::cpu_of(self.process.id()).expect("there is a /proc: its memory was read")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _killed = self.process.kill();
        let _waited = self.process.wait();
    }
}
