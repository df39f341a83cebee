//! The ready service behind a corporate proxy that asks for credentials. The proxy is part of the example: it counts what
//! it forwards, so that it is seen to have been used.

use crate::LocalGateway;
use crate::local_gateway::place_and_query;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use ucanpay_transport::{Client, ReqwestService};

/// `shop:s3cret`, as HTTP writes it.
const CREDENTIALS: &str = "Basic c2hvcDpzM2NyZXQ=";

/// Places an order through the proxy.
///
/// # Errors
///
/// When a call fails, or went past the proxy.
pub async fn run(gateway: &LocalGateway) -> Result<String, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let proxy = format!("http://shop:s3cret@{}", listener.local_addr()?);
    let forwarded = Arc::new(AtomicU32::new(0));
    let server = tokio::spawn(serve(listener, Arc::clone(&forwarded)));

    let service = ReqwestService::builder()
        .proxy(&proxy)
        .plain_http() // the sandbox has no TLS
        .max_idle_per_host(0) // a connection for each request, so that each is counted
        .build()?;
    let client = Client::builder(gateway.merchant.clone())
        .base_url(&gateway.url)
        .build_with(service)?;
    let (number, state) = place_and_query(&client, "PROXY1").await?;

    server.abort();
    match forwarded.load(SeqCst) {
        0 => Err("the proxy was not used".into()),
        count => Ok(format!(
            "order {number} was placed, and is {state}; the proxy forwarded {count} requests"
        )),
    }
}

async fn serve(listener: TcpListener, forwarded: Arc<AtomicU32>) -> io::Result<()> {
    loop {
        let (client, _) = listener.accept().await?;
        let forwarded = Arc::clone(&forwarded);
        // A connection that breaks off is the client's to report.
        tokio::spawn(async move { forward(client, &forwarded).await.ok() });
    }
}

/// Hands a request such as `POST http://127.0.0.1:8090/payment/orderquery HTTP/1.1` on to the host that it names.
/// (An https gateway would be asked for by CONNECT instead.)
async fn forward(mut client: TcpStream, forwarded: &AtomicU32) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head);
    if !text.contains(CREDENTIALS) {
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        return client.write_all(refusal).await;
    }
    let host = text
        .split_once("http://")
        .and_then(|(_, rest)| rest.split('/').next())
        .ok_or(io::ErrorKind::InvalidData)?;
    let mut server = TcpStream::connect(host).await?;
    forwarded.fetch_add(1, SeqCst);
    server.write_all(&head).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
