//! A browser of one test: its driver on a free port, its profile in a folder of its own, both gone when the test ends.
//!
//! The tests of `loco-shop` are built with this file as well.

use std::io::{BufRead as _, BufReader};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{
    BrowserCapabilitiesHelper as _, By, DesiredCapabilities, Key, WebDriver, WebElement,
    WindowHandle,
};

/// What a page may take to become what is expected: a second or two, and more on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// What the browser stands on.
#[derive(Clone, Copy)]
pub(crate) enum Device {
    Desk,
    Phone,
}

/// How it differs from a browser as it comes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Taste {
    pub(crate) language: Option<&'static str>,
    pub(crate) without_scripts: bool,
}

/// One browser.
pub(crate) struct Browser {
    driver: WebDriver,
    /// How the screenshots are called.
    name: &'static str,
}

/// Gives a browser to the test, and ends it, however the test ended.
pub(crate) async fn browse(
    name: &'static str,
    device: Device,
    taste: Taste,
    test: impl AsyncFnOnce(&Browser),
) {
    let chromedriver = Chromedriver::start();
    let profile = TempDir::new().unwrap();
    let driver = chromedriver.open(device, taste, &profile).await;
    let browser = Browser { driver, name };
    if taste.without_scripts {
        browser.forbid_scripts().await;
    }
    let ended = AssertUnwindSafe(test(&browser)).catch_unwind().await;
    if ended.is_err() {
        browser.picture("as-it-failed").await;
    }
    // The driver ends the browser that it started; then it is ended itself.
    let closed = browser.driver.quit().await;
    drop(chromedriver);
    if let Err(panic) = ended {
        resume_unwind(panic);
    }
    closed.unwrap();
}

/// The driver's process. Dropped, it is killed.
struct Chromedriver {
    process: Child,
    url: String,
}

impl Chromedriver {
    fn start() -> Self {
        let mut process = Command::new(env!("CHROMEDRIVER"))
            .args(["--port=0", "--allowed-ips=127.0.0.1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed");
        let said = BufReader::new(process.stdout.take().expect("a pipe"));
        // "ChromeDriver was started successfully on port 41233."
        let port = said.lines().find_map(|line| {
            let line = line.ok()?;
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        Self {
            process,
            url: format!("http://127.0.0.1:{}", port.expect("chromedriver starts")),
        }
    }

    async fn open(&self, device: Device, taste: Taste, profile: &TempDir) -> WebDriver {
        let mut wanted = DesiredCapabilities::chrome();
        let args = [
            "--headless=new".to_owned(),
            // The tests may run as root, and with little shared memory.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            // Nothing is asked of anybody but the shop.
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--no-first-run".to_owned(),
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1".to_owned(),
            "--window-size=1280,900".to_owned(),
            "--hide-scrollbars".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let languages = taste.language.unwrap_or("en-CA,en");
        let preferences = json!({"intl.accept_languages": languages});
        let option = |wanted: &mut thirtyfour::ChromeCapabilities, name: &str, value: Value| {
            wanted.set_browser_option(name, value).unwrap();
        };
        option(&mut wanted, "binary", json!(env!("CHROMIUM")));
        option(&mut wanted, "args", json!(args));
        option(&mut wanted, "prefs", preferences);
        if let Device::Phone = device {
            let metrics = json!({"width": 390, "height": 844, "pixelRatio": 2.0, "touch": true});
            option(
                &mut wanted,
                "mobileEmulation",
                json!({"deviceMetrics": metrics}),
            );
        }
        // The driver is on this machine: no root certificates, no proxy.
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        let client = client.timeout(SOON).build().unwrap();
        let driver = WebDriver::builder(&*self.url, wanted).client(client);
        driver.connect().await.expect("Chromium starts")
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        self.process
            .wait()
            .expect("a killed process can be waited for");
    }
}

impl Browser {
    pub(crate) async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    pub(crate) fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// The tab beside this one, once it is open.
    pub(crate) async fn other_tab(&self, this: &WindowHandle) -> WindowHandle {
        let since = Instant::now();
        loop {
            let tabs = self.driver.windows().await.unwrap();
            if let Some(tab) = tabs.into_iter().find(|tab| tab != this) {
                return tab;
            }
            assert!(since.elapsed() < SOON, "no tab was opened");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn url(&self) -> String {
        self.driver.current_url().await.unwrap().to_string()
    }

    /// The element, once it is there and can be seen.
    pub(crate) async fn see(&self, css: &str) -> WebElement {
        let since = Instant::now();
        loop {
            if let Ok(element) = self.driver.find(By::Css(css)).await
                && element.is_displayed().await.unwrap_or(false)
            {
                return element;
            }
            assert!(since.elapsed() < SOON, "no {css} at {}", self.url().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the page says this.
    pub(crate) async fn read(&self, text: &str) {
        let since = Instant::now();
        loop {
            let page = self.text().await;
            if page.contains(text) {
                return;
            }
            assert!(since.elapsed() < SOON, "no {text:?} in: {page}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the page says now; nothing while it changes.
    pub(crate) async fn text(&self) -> String {
        match self.driver.find(By::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// A press on it, as with a mouse or a finger.
    pub(crate) async fn press(&self, css: &str) {
        self.see(css).await.click().await.unwrap();
    }

    pub(crate) async fn write(&self, css: &str, text: &str) {
        let field = self.see(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// A key pressed wherever the focus is.
    pub(crate) async fn key(&self, key: Key) {
        let at = self.driver.active_element().await.unwrap();
        at.send_keys(key).await.unwrap();
    }

    /// What a script in the page says.
    pub(crate) async fn ask(&self, script: &str) -> Value {
        let answer = self.driver.execute(script, Vec::new()).await.unwrap();
        answer.json().clone()
    }

    /// Takes a picture of what is on the screen, and keeps it. Returns it as PNG.
    pub(crate) async fn picture(&self, moment: &str) -> Vec<u8> {
        let png = self.driver.screenshot_as_png().await.unwrap();
        let folder = screenshots();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{}-{moment}.png", self.name)), &png).unwrap();
        png
    }

    /// Fails if the page scrolls sideways.
    pub(crate) async fn fits(&self) {
        // A phone's window grows with what does not fit: it is the page's own frame that has the screen's width.
        let script =
            "const page = document.documentElement; return [page.scrollWidth, page.clientWidth]";
        let widths = self.ask(script).await;
        assert!(
            widths[0].as_f64() <= widths[1].as_f64(),
            "{}: {widths}",
            self.url().await
        );
    }

    /// Fails if the browser complained: a script that broke, something that the policy forbids.
    pub(crate) async fn content(&self) {
        let complaints: Vec<_> = self.driver.browser_log().await.unwrap();
        let complaints: Vec<_> = complaints
            .into_iter()
            .map(|entry| entry.message)
            // While the shop is down, an open page says that it cannot reach it.
            .filter(|message| !message.contains("net::ERR_"))
            .collect();
        assert!(complaints.is_empty(), "{complaints:?}");
    }

    /// Shows pages as to somebody who likes them dark, or light.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let features = [json!({"name": "prefers-color-scheme", "value": scheme})];
        self.tell("Emulation.setEmulatedMedia", json!({"features": features}))
            .await;
    }

    async fn forbid_scripts(&self) {
        self.tell(
            "Emulation.setScriptExecutionDisabled",
            json!({"value": true}),
        )
        .await;
    }

    async fn tell(&self, command: &str, how: Value) {
        self.driver.cdp().send_raw(command, how).await.unwrap();
    }
}

fn screenshots() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../screenshots")
}
