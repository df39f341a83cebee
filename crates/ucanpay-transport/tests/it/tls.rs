//! The ready HTTP service over TLS, with a certificate that only these tests trust.

use crate::scripted::{key, members, merchant, query, signed};
use axum::{Router, http::Version, routing::post};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use ucanpay_transport::{Client, Error, ReqwestService, ReqwestServiceBuilder, RetryPolicy};

const ROOT: &[u8] = include_bytes!("../fixtures/tls/root.pem");

/// A gateway over TLS that offers HTTP/2 and HTTP/1.1, and notes the version of each request.
async fn gateway() -> (String, Arc<Mutex<Vec<Version>>>) {
    let certificate = include_bytes!("../fixtures/tls/server.pem");
    let private_key = include_bytes!("../fixtures/tls/server.key.pem");
    // Named, for a build that holds other crates may hold another provider beside this one.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate).unwrap()],
            PrivateKeyDer::from_pem_slice(private_key).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));

    let versions = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&versions);
    let answer = move |version: Version| {
        seen.lock().unwrap().push(version);
        std::future::ready(signed(&key("platform-2048"), members()))
    };
    let router = Router::new().route("/payment/orderquery", post(answer));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, router) = (acceptor.clone(), router.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return; // a client that does not trust it
                };
                auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
                    .await
                    .ok();
            });
        }
    });
    (url, versions)
}

fn client(url: &str, service: ReqwestServiceBuilder) -> Client {
    Client::builder(merchant())
        .base_url(url)
        .retry(RetryPolicy::never())
        .build_with(service.build().unwrap())
        .unwrap()
}

#[tokio::test]
async fn a_server_is_trusted_by_the_roots_that_were_named() {
    let (url, versions) = gateway().await;
    for service in [
        ReqwestService::builder().only_roots(ROOT),
        ReqwestService::builder().add_roots(ROOT),
    ] {
        client(&url, service).call(&query()).await.unwrap();
    }
    assert_eq!(versions.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_server_that_only_other_roots_vouch_for_gets_no_request() {
    let (url, versions) = gateway().await;
    let other = include_bytes!("../fixtures/tls/server.pem"); // a certificate, and not its root
    let service = ReqwestService::builder().only_roots(other);
    let error = client(&url, service).call(&query()).await.unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }), "{error:?}");
    assert!(versions.lock().unwrap().is_empty());
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered_unless_it_is_switched_off() {
    let (url, versions) = gateway().await;
    let service = || ReqwestService::builder().only_roots(ROOT);
    client(&url, service()).call(&query()).await.unwrap();
    client(&url, service().http1_only())
        .call(&query())
        .await
        .unwrap();
    assert_eq!(
        *versions.lock().unwrap(),
        [Version::HTTP_2, Version::HTTP_11]
    );
}

/// A proxy that opens a tunnel to wherever it is asked to, or answers `refusal`; it counts the tunnels asked for.
async fn proxy(refusal: Option<&'static str>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let tunnels = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tunnels);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            count.fetch_add(1, SeqCst);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let target = head.strip_prefix("CONNECT ").unwrap();
                let target = target.split(' ').next().unwrap().to_owned();
                if let Some(refusal) = refusal {
                    client.write_all(refusal.as_bytes()).await.unwrap();
                    return;
                }
                let mut server = TcpStream::connect(target).await.unwrap();
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                copy_bidirectional(&mut client, &mut server).await.ok();
            });
        }
    });
    (url, tunnels)
}

#[tokio::test]
async fn an_https_gateway_is_reached_through_the_proxys_tunnel() {
    let (url, versions) = gateway().await;
    let (proxy, tunnels) = proxy(None).await;
    let service = ReqwestService::builder().only_roots(ROOT).proxy(&proxy);
    client(&url, service).call(&query()).await.unwrap();
    assert_eq!(tunnels.load(SeqCst), 1);
    assert_eq!(versions.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_opens_no_tunnel_leaves_nothing_sent() {
    let (url, versions) = gateway().await;
    for refusal in [
        "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
    ] {
        let (proxy, tunnels) = proxy(Some(refusal)).await;
        let service = ReqwestService::builder().only_roots(ROOT).proxy(&proxy);
        let error = client(&url, service).call(&query()).await.unwrap_err();
        assert!(matches!(error, Error::NotSent { .. }), "{error:?}");
        assert_eq!(tunnels.load(SeqCst), 1);
    }
    assert!(versions.lock().unwrap().is_empty());
}
