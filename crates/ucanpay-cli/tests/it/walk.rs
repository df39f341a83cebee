//! The README's five minutes, word for word, as somebody new would try them.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::{
    gateway::{get, post},
    program::PROGRAM,
};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

/// A block of commands, and what is shown beneath it.
struct Step {
    commands: String,
    shown: Vec<String>,
}

fn steps() -> Vec<Step> {
    let text = std::fs::read_to_string(README).unwrap();
    let (_, rest) = text.split_once("\n## Five minutes\n").unwrap();
    let (walk, _) = rest.split_once("\n## ").unwrap();
    let mut steps: Vec<Step> = Vec::new();
    for block in walk.split("\n```").collect::<Vec<_>>() {
        if let Some(commands) = block.strip_prefix("sh\n") {
            let commands = commands.to_owned();
            steps.push(Step {
                commands,
                shown: Vec::new(),
            });
        } else if let Some(shown) = block.strip_prefix("text\n") {
            let lines = shown.lines().map(str::to_owned).collect();
            steps.last_mut().unwrap().shown = lines;
        }
    }
    steps
}

/// Each line is there, in this order, with anything in place of `…`.
fn assert_shown(step: &Step, printed: &str) {
    let mut rest = printed;
    for line in &step.shown {
        for part in line.trim().split('…') {
            let Some(at) = rest.find(part) else {
                panic!(
                    "{:?} is not shown by\n{}\nwhich prints\n{printed}",
                    part, step.commands
                );
            };
            rest = &rest[at + part.len()..];
        }
    }
}

/// The sandbox in the first terminal; the README's port is another here, since it may be taken.
struct Sandbox {
    child: Child,
    base: String,
    greeting: String,
}

impl Sandbox {
    fn start(step: &Step, folder: &Path) -> Self {
        let commands = format!("exec {} --listen 127.0.0.1:0", step.commands.trim());
        let mut child = shell(&commands, folder)
            .env("RUST_LOG", "off")
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut greeting = String::new();
        while !greeting.contains("settings.sh") {
            let line = lines.next().expect("the sandbox ended").unwrap();
            greeting.push_str(&line);
            greeting.push('\n');
        }
        let (_, base) = greeting.split_once("dashboard  ").unwrap();
        let base = base
            .lines()
            .next()
            .unwrap()
            .trim_end_matches('/')
            .to_owned();
        let greeting = greeting.replace(&base, "http://127.0.0.1:8090");
        Self {
            child,
            base,
            greeting,
        }
    }

    fn approve(&self, printed: &str) {
        let link = printed.lines().find_map(|line| line.strip_prefix("link "));
        let page = get(link.unwrap().trim());
        let (_, action) = page
            .split_once("action=\"")
            .expect("a form on the phone page");
        let (action, _) = action.split_once('"').unwrap();
        assert!(action.ends_with("/approve"), "{action}");
        post(&format!("{}{action}", self.base), String::new());
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A shell in this folder that finds the program, and inherits nothing else.
pub(crate) fn shell(commands: &str, folder: &Path) -> Command {
    let programs = Path::new(PROGRAM).parent().unwrap().to_str().unwrap();
    let mut shell = Command::new("sh");
    shell
        .args(["-ec", commands])
        .current_dir(folder)
        .env_clear()
        .env(
            "PATH",
            format!("{programs}:{}", std::env::var("PATH").unwrap()),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    shell
}

#[test]
fn the_five_minutes_of_the_readme_go_word_for_word() {
    let folder = tempfile::tempdir().unwrap();
    let steps = steps();
    assert_eq!(steps.len(), 6, "every block is run");
    let sandbox = Sandbox::start(&steps[0], folder.path());
    assert_shown(&steps[0], &sandbox.greeting);
    for step in &steps[1..] {
        // The second terminal has the settings from its first block on.
        let settings = if step.commands.contains("settings.sh") {
            ""
        } else {
            ". ucanpay-sandbox/settings.sh\n"
        };
        let mut child = shell(&format!("{settings}{}", step.commands), folder.path())
            .spawn()
            .unwrap();
        let mut printed = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut printed)
            .unwrap();
        assert!(
            child.wait().unwrap().success(),
            "{}\n{printed}",
            step.commands
        );
        assert_shown(
            step,
            &printed.replace(&sandbox.base, "http://127.0.0.1:8090"),
        );
        if step.commands.contains("order place") {
            sandbox.approve(&printed);
        }
    }
}
