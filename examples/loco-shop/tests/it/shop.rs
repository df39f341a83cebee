//! The shop as `start` runs it, on free ports and in a folder of its own, until the test ends.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use loco_rs::app::{AppContext, Hooks as _};
use loco_rs::boot::StartMode;
use loco_rs::config::Config;
use loco_rs::environment::Environment;
use loco_shop::App;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt as _;
use ucanpay_core::PrivateKey;

pub(crate) struct Shop {
    pub(crate) ctx: AppContext,
    router: Router,
    address: SocketAddr,
    sandbox: SocketAddr,
    folder: TempDir,
    _stop: oneshot::Sender<()>,
}

pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn has(&self, words: &str) -> bool {
        self.text.contains(words)
    }

    pub(crate) fn location(&self) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.headers["location"].to_str().unwrap().to_owned()
    }

    /// The number of the order that this menu may become.
    pub(crate) fn number(&self) -> String {
        let (_, rest) = self.text.split_once("name=\"number\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

/// The configuration that the shop is developed with, but for places.
fn config(folder: &Path, shop: SocketAddr, sandbox: SocketAddr) -> Config {
    let development = concat!(env!("CARGO_MANIFEST_DIR"), "/config");
    let mut config =
        Config::from_folder(&Environment::Development, Path::new(development)).unwrap();
    config.logger.enable = false;
    config.database.uri = format!("sqlite://{}/shop.sqlite?mode=rwc", folder.display());
    let settings = config.settings.as_mut().unwrap();
    settings["sandbox"]["listen"] = sandbox.to_string().into();
    let keys = folder.join("sandbox");
    settings["sandbox"]["folder"] = keys.display().to_string().into();
    let account = &mut settings["ucanpay"];
    for name in ["private_key_file", "platform_key_file"] {
        let file = Path::new(account[name].as_str().unwrap())
            .file_name()
            .unwrap()
            .to_owned();
        account[name] = keys.join(file).display().to_string().into();
    }
    for name in ["base_url", "pay_link_base_url"] {
        account[name] = format!("http://{sandbox}").into();
    }
    account["notify_base_url"] = format!("http://{shop}").into();
    config
}

impl Shop {
    /// As at the very first start: everything is made.
    pub(crate) async fn open_fresh() -> Self {
        Self::open_in(tempfile::tempdir().unwrap()).await
    }

    /// With keys that were there already: small ones, quickly made.
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("sandbox");
        std::fs::create_dir(&keys).unwrap();
        for name in ["merchant-key.pem", "platform-key.pem"] {
            let key = PrivateKey::generate(1024).unwrap();
            std::fs::write(keys.join(name), key.to_pkcs8_pem()).unwrap();
        }
        Self::open_in(folder).await
    }

    async fn open_in(folder: TempDir) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = free.local_addr().unwrap();
        drop(free);
        let address = listener.local_addr().unwrap();
        let config = config(folder.path(), address, sandbox);
        let boot = App::boot(StartMode::ServerOnly, &Environment::Development, config);
        let boot = boot.await.unwrap();
        let router = boot.router.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = router.clone();
        tokio::spawn(async move {
            axum::serve(listener, served)
                .with_graceful_shutdown(async { drop(stopped.await) })
                .await
        });
        Self {
            ctx: boot.app_context,
            router,
            address,
            sandbox,
            folder,
            _stop: stop,
        }
    }

    /// Stopped as by Ctrl-C, and started again on other ports.
    pub(crate) async fn reopen(self) -> Self {
        App::on_shutdown(&self.ctx).await;
        Self::open_in(self.folder).await
    }

    /// Stops the gateway alone.
    pub(crate) async fn lose_gateway(&self) {
        loco_shop::initializers::gateway::LocalGateway::stop(&self.ctx).await;
    }

    /// Where a browser finds this page.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.ask(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Page {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()));
        self.ask(request.unwrap()).await
    }

    async fn ask(&self, request: Request<Body>) -> Page {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Page {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// The buyer approves, on the phone.
    pub(crate) async fn pay(&self, number: &str) {
        self.pay_as(number, "").await;
    }

    /// The buyer approves, in the way that this body asks of the sandbox.
    pub(crate) async fn pay_as(&self, number: &str, body: &str) {
        let mut phone = TcpStream::connect(self.sandbox).await.unwrap();
        let request = format!(
            "POST /_sandbox/orders/{number}/pay HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.sandbox,
            body.len()
        );
        phone.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        phone.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// The page, once it holds these words.
    pub(crate) async fn page_with(&self, path: &str, words: &str) -> Page {
        let look = async {
            loop {
                let page = self.get(path).await;
                if page.has(words) {
                    return page;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), look)
            .await
            .expect("the page should say so by now")
    }
}
