//! A sandbox whose open points are set otherwise, and a merchant who reads its settings file.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::program::PROGRAM;

/// A sandbox that has written its merchant's settings; killed when dropped.
struct Serving(Child);

impl Serving {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args([
                "sandbox",
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--key-bits",
                "1024",
            ])
            .args(arguments)
            .current_dir(folder)
            .env("RUST_LOG", "off")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        assert!(
            lines.any(|line| line.contains("settings.sh")),
            "{arguments:?}"
        );
        Self(child)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_settings_file_of_a_sandbox_fits_its_switches() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "a secret of this test\n").unwrap();
    let cases: [&[&str]; 6] = [
        &[],
        &["--set", "scheme=single"],
        &[
            "--set",
            "scheme=prehash-sha1",
            "--set",
            "signed-set=without-sign-type,envelope,percent",
        ],
        &[
            "--set",
            "scheme=path-suffixed",
            "--set",
            "answer-suffix=path",
        ],
        &["--md5-secret-file", "secret"],
        &["--set", "nonce=once"],
    ];
    for arguments in cases {
        let _serving = Serving::start(folder.path(), arguments);
        let script = format!(
            ". ucanpay-sandbox/settings.sh
            '{PROGRAM}' order place A1 --amount 450 --subject coffee
            '{PROGRAM}' sandbox pay A1
            '{PROGRAM}' order query A1
            '{PROGRAM}' doctor --offline | grep -E 'scheme|signed set'
            '{PROGRAM}' sandbox notification A1 > body.json"
        );
        let run = Command::new("sh")
            .args(["-ec", &script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let (shown, wrong) = (
            String::from_utf8_lossy(&run.stdout),
            String::from_utf8_lossy(&run.stderr),
        );
        assert!(run.status.success(), "{arguments:?}: {shown}{wrong}");
        assert!(
            shown.contains("tradeStatus  SUCCESS"),
            "{arguments:?}: {shown}"
        );
    }
}
