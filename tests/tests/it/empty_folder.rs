//! The guide `docs/axum.md`, followed word for word in an empty folder, with two servers and a buyer. Only ports are others
//! than the page's, which may be taken, and the packages are those of this project's lock file.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::processes::free_address;

const PAGE: &str = include_str!("../../../docs/axum.md");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A build from nothing is part of it.
const PATIENCE: Duration = Duration::from_secs(1_200);

/// The blocks of the page in this language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let begin = format!("\n```{language}\n");
    let mut blocks = Vec::new();
    let mut rest = PAGE;
    while let Some((_, block)) = rest.split_once(begin.as_str()) {
        let (block, after) = block.split_once("\n```").expect("a fence has an end");
        blocks.push(block);
        rest = after;
    }
    blocks
}

/// A file as the guide shows it, without the first column.
fn file(block: &str) -> String {
    let lines = block.lines().map(|line| line.get(1..).unwrap_or_default());
    lines.map(|line| format!("{line}\n")).collect()
}

/// A shell's last command, ended with the test. What it says is kept in a file.
struct Terminal {
    child: Child,
    said: std::path::PathBuf,
}

impl Terminal {
    fn open(name: &str, commands: &str, folder: &Path) -> Self {
        let (before, last) = match commands.rsplit_once('\n') {
            Some((before, last)) => (format!("{before}\n"), last),
            None => (String::new(), commands),
        };
        let said = folder.join(name);
        let file = File::create(&said).expect("a file of this test's");
        let child = Command::new("sh")
            .args(["-ec", &format!("{before}exec {last}")])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .spawn()
            .expect("a shell");
        Self { child, said }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).expect("it is UTF-8")
    }

    /// Waits until it says this.
    async fn says(&mut self, words: &str) -> String {
        let since = Instant::now();
        while !self.said().contains(words) {
            let ended = self.child.try_wait().expect("it can be asked");
            assert!(
                ended.is_none() && since.elapsed() < PATIENCE,
                "{}",
                self.said()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.said()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn after<'a>(text: &'a str, word: &str) -> &'a str {
    let (_, rest) = text.split_once(word).expect(word);
    rest.lines().next().unwrap_or_default()
}

#[tokio::test]
#[ignore = "builds a shop from nothing; `cargo xtask prove` runs it"]
async fn the_guide_followed_in_an_empty_folder_ends_with_a_paid_order() {
    let begun = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    symlink(ROOT, folder.path().join("ucanpay")).unwrap();
    let [new, gateway, shop] = blocks("sh")[..] else {
        panic!("{:?}", blocks("sh"));
    };
    let [manifest, program] = blocks("diff")[..] else {
        panic!("{} diffs", blocks("diff").len());
    };
    let [order] = blocks("console")[..] else {
        panic!("{:?}", blocks("console"));
    };

    let made = Command::new("sh")
        .args(["-ec", new])
        .current_dir(folder.path())
        .status();
    assert!(made.unwrap().success());
    let cakes = folder.path().join("cakes");
    let address = free_address().to_string();
    assert!(program.contains("127.0.0.1:8080"));
    let program = file(program).replace("127.0.0.1:8080", &address);
    fs::write(cakes.join("Cargo.toml"), file(manifest)).unwrap();
    fs::write(cakes.join("src/main.rs"), program).unwrap();
    fs::copy(Path::new(ROOT).join("Cargo.lock"), cakes.join("Cargo.lock")).unwrap();

    let gateway = format!("{gateway} --listen 127.0.0.1:0");
    let mut gateway = Terminal::open("gateway", &gateway, folder.path());
    gateway.says("settings.sh").await;
    let shop = shop.replace("127.0.0.1:8080", &address);
    let shop_open = Terminal::open("shop", &shop, folder.path());
    let since = Instant::now();
    let (command, shown) = order.split_once('\n').unwrap();
    let command = command
        .strip_prefix("$ ")
        .unwrap()
        .replace("127.0.0.1:8080", &address);
    let ordered = loop {
        let output = Command::new("sh").args(["-ec", &command]).output().unwrap();
        if output.status.success() {
            break String::from_utf8(output.stdout).unwrap();
        }
        assert!(since.elapsed() < PATIENCE, "{}", shop_open.said());
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    let base = after(&gateway.said(), "dashboard  ")
        .trim_end_matches('/')
        .to_owned();
    let mut rest = ordered.as_str();
    for part in shown.replace("http://127.0.0.1:8090", &base).split('…') {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("{part:?} in {ordered}"));
        rest = &rest[at + part.len()..];
    }

    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |url: &str| http.get(url).send().await.unwrap().text().await.unwrap();
    let phone = get(after(&ordered, "Pay: ")).await;
    let (action, _) = after(&phone, "action=\"").split_once('"').unwrap();
    assert!(action.ends_with("/approve"), "{action}");
    http.post(format!("{base}{action}")).send().await.unwrap();

    let number = after(&ordered, "Order ").split(':').next().unwrap();
    let ticket = cakes.join(format!("CAKE{number}"));
    let since = Instant::now();
    while !ticket.exists() {
        assert!(
            since.elapsed() < Duration::from_secs(60),
            "{}",
            shop_open.said()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let status = get(&format!("http://{address}/ucanpay/status/CAKE{number}")).await;
    assert!(status.contains(r#""paid":true"#), "{status}");
    let seconds = begun.elapsed().as_secs();
    println!("proved: guide page=axum.md orders=1 paid=1 seconds={seconds}");
}
