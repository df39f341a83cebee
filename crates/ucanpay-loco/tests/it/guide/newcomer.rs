//! Somebody who follows the guide: a folder, a terminal or three, a browser.
//!
//! What differs from a reader's machine is said to the programs from outside, as the guide says it can be: free ports, by
//! `PORT` and the `UCANPAY_…` variables, and one folder for all that cargo builds.

use std::collections::HashMap;
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum as _;
use loco::OS;
use loco::generator::{Generator, executer::FileSystem, extract_default_template};
use loco::settings::Settings;
use loco::wizard::{AssetsOption, BackgroundOption, DBOption, Selections};
use reqwest::{Client, StatusCode};

use super::page::change;
use crate::app::until;

/// The project, which the guide has as `../ucanpay`.
const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

pub(super) struct Newcomer {
    folder: PathBuf,
    app: PathBuf,
    app_address: SocketAddr,
    gateway_address: SocketAddr,
    browser: Client,
    running: Option<Running>,
    /// The order that is bought as soon as the app runs.
    order: Option<String>,
    pub(super) paid_orders: u32,
}

/// The app. Dropped, it is killed.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Newcomer {
    pub(super) fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide");
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        std::fs::create_dir_all(folder.join(".cargo")).unwrap();
        std::fs::write(folder.join(".cargo/config.toml"), shared_build()).unwrap();
        Self {
            app: folder.clone(),
            folder,
            app_address: free_address(),
            gateway_address: free_address(),
            // Plain http on this machine: no root certificates, no proxy.
            browser: Client::builder()
                .no_proxy()
                .tls_certs_only([])
                .build()
                .unwrap(),
            running: None,
            order: None,
            paid_orders: 0,
        }
    }

    pub(super) fn writes(&self, path: &str, text: &str) {
        let path = self.app.join(path);
        assert!(!path.exists(), "{} is there already", path.display());
        std::fs::write(path, format!("{text}\n")).unwrap();
    }

    pub(super) fn changes(&self, path: &str, diff: &str) {
        let path = self.app.join(path);
        let text = std::fs::read_to_string(&path).unwrap();
        let text = change(&path, &text, diff);
        // From the app, and from a crate within it.
        let text = text.replace("../../ucanpay/", "../ucanpay/");
        let text = text.replace("../ucanpay/", &format!("{PROJECT}/"));
        std::fs::write(&path, text).unwrap();
    }

    pub(super) async fn types(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        match &*words {
            // A dependency of this test is the same program.
            ["cargo", "install", "loco"] => {}
            ["cargo", "install", "--path", path] => {
                // Its arguments are a library's, which is called below.
                assert!(self.app.join(path.replace("../ucanpay", PROJECT)).exists());
            }
            ["loco", "new", options @ ..] => self.generates(options),
            ["cd", folder] => self.app = self.folder.join(folder),
            ["ucanpay-sandbox", arguments @ ..] => self.starts_gateway(arguments).await,
            ["cargo", "loco", "start"] => {
                self.starts_app().await;
                self.buys().await;
            }
            ["cargo", "loco", "task", task, ..] => {
                let said = self.runs(line);
                assert!(!said.trim().is_empty(), "{task} says nothing");
            }
            _ => panic!("the test does not know what this is: {line}"),
        }
    }

    /// As the program `loco` does, once it has read its command line.
    fn generates(&self, options: &[&str]) {
        let options: HashMap<_, _> = options.chunks(2).map(|pair| (pair[0], pair[1])).collect();
        let (name, to) = (options["--name"], self.folder.join(options["--name"]));
        let selected = Selections {
            db: DBOption::from_str(options["--db"], false).unwrap(),
            background: BackgroundOption::from_str(options["--bg"], false).unwrap(),
            asset: AssetsOption::from_str(options["--assets"], false).unwrap(),
        };
        assert_eq!(options.len(), 4, "an option that the test does not know");
        std::fs::create_dir(&to).unwrap();
        let template = extract_default_template().unwrap();
        let files = FileSystem::new(&template.root, &to);
        let settings = Settings::from_wizard_checked(name, &selected, OS::default(), false);
        Generator::new(Arc::new(files), settings.unwrap())
            .run()
            .unwrap();
        let formatted = Command::new("cargo").arg("fmt").current_dir(&to).status();
        assert!(formatted.unwrap().success());
        // So that what is built for this project serves the app as well.
        std::fs::copy(format!("{PROJECT}/Cargo.lock"), to.join("Cargo.lock")).unwrap();
    }

    /// In this process: the program `ucanpay-sandbox` is this call.
    async fn starts_gateway(&self, arguments: &[&str]) {
        let in_the_app = |word: &&str| match word.starts_with("ucanpay-sandbox") {
            true => self.app.join(word).into(),
            false => OsString::from(*word),
        };
        let mut words: Vec<_> = arguments.iter().map(in_the_app).collect();
        words.extend(["--keys".into(), in_the_app(&"ucanpay-sandbox")]);
        words.extend(["--listen".into(), self.gateway_address.to_string().into()]);
        tokio::spawn(ucanpay_sandbox::command::run(words));
        until(async || self.browser.get(self.gateway("/")).send().await.is_ok()).await;
    }

    async fn starts_app(&mut self) {
        // Built first, for that may take its time.
        self.runs("cargo build");
        let log = std::fs::File::create(self.folder.join("start.log")).unwrap();
        let app = self
            .cargo("cargo loco start")
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("cargo runs");
        self.running = Some(Running(app));
        until(async || self.browser.get(self.url("/_ping")).send().await.is_ok()).await;
    }

    /// What a person does who has opened the app's page.
    async fn buys(&mut self) {
        let menu = self.sees("/").await;
        let (_, rest) = menu
            .split_once("name=\"number\" value=\"")
            .expect("a number");
        let number = rest.split('"').next().unwrap_or_default().to_owned();
        // The press is sent twice.
        for _ in 0..2 {
            let form = format!("number={number}");
            let kind = "application/x-www-form-urlencoded";
            let press = self
                .browser
                .post(self.url("/orders"))
                .header("content-type", kind);
            assert_eq!(
                press.body(form).send().await.unwrap().status(),
                StatusCode::OK
            );
        }
        let path = format!("/orders/{number}");
        let page = self.sees(&path).await;
        let (_, link) = page.split_once("<a href=\"").expect("a pay link");
        let link = link
            .split('"')
            .next()
            .unwrap_or_default()
            .replace("&amp;", "&");
        let phone = self
            .browser
            .get(link)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(phone.contains("CAD"), "{phone}");
        let approve = self.gateway(&format!("/_sandbox/orders/{number}/pay"));
        assert_eq!(
            self.browser.post(approve).send().await.unwrap().status(),
            StatusCode::OK
        );
        until(async || self.sees(&path).await.contains("Your ticket: 1")).await;
        self.paid_orders += 1;
        self.order = Some(number);
    }

    async fn sees(&self, path: &str) -> String {
        let answer = self.browser.get(self.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    /// Ctrl-C, as in the terminal.
    pub(super) async fn stops(mut self, within: Duration) {
        let Some(mut app) = self.running.take() else {
            return;
        };
        let id = app.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .unwrap()
                .success()
        );
        let ended = async {
            loop {
                if let Some(status) = app.0.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let status = tokio::time::timeout(within, ended).await.expect("it ends");
        assert!(status.success(), "{status}");
    }

    /// Runs a command to its end; what it says is returned.
    fn runs(&self, line: &str) -> String {
        let output = self.cargo(line).output().expect("cargo runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let trouble = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {said}{trouble}");
        said
    }

    fn cargo(&self, line: &str) -> Command {
        let words = line.split(' ').skip(1);
        let order = self.order.as_deref().unwrap_or_default();
        let mut cargo = Command::new("cargo");
        for (name, _) in std::env::vars() {
            // Settings of whoever runs the tests are not settings of the test.
            if name.starts_with("UCANPAY_") || ["DATABASE_URL", "LOCO_ENV"].contains(&&*name) {
                cargo.env_remove(name);
            }
        }
        cargo
            .args(words.map(|word| word.replace("$ORDER", order)))
            .current_dir(&self.app)
            .stdin(Stdio::null())
            .env("PORT", self.app_address.port().to_string())
            .env("UCANPAY_BASE_URL", self.gateway(""))
            .env("UCANPAY_PAY_LINK_BASE_URL", self.gateway(""))
            .env("UCANPAY_NOTIFY_BASE_URL", self.url(""));
        cargo
    }

    fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.app_address.port())
    }

    fn gateway(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway_address)
    }
}

/// Has cargo build where and how this project is built, so that what is built for one serves the other.
fn shared_build() -> String {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let project = std::fs::read_to_string(format!("{PROJECT}/Cargo.toml")).unwrap();
    let profiles = project.find("[profile.").expect("the profiles stand last");
    format!(
        "[build]\ntarget-dir = {target:?}\n\n{}",
        &project[profiles..]
    )
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}
