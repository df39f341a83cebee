//! The merchant of a sandbox: its keys, given or made, and what whoever wants to be it is told.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ucanpay_core::{PrivateKey, PublicKey};

use super::keys::{KeptKey, given, write};
use super::serve::ServeError;
use crate::switches::Switches;

/// The two keys of a sandbox, and where those that it made for itself are.
pub(super) struct Keys {
    pub(super) merchant_key: PublicKey,
    pub(super) platform_key: PrivateKey,
    made_merchant: Option<KeptKey>,
    made_platform: Option<KeptKey>,
}

impl Keys {
    pub(super) fn open(
        merchant: Option<PathBuf>,
        platform: Option<PathBuf>,
        folder: &Path,
        bits: usize,
    ) -> Result<Self, ServeError> {
        let (merchant_key, made_merchant) = match merchant {
            Some(path) => (
                given("merchant-public-key", path, PublicKey::from_bytes)?,
                None,
            ),
            None => {
                let kept = KeptKey::open(folder, "merchant", bits)?;
                (kept.public_key(), Some(kept))
            }
        };
        let (platform_key, made_platform) = match platform {
            Some(path) => (
                given("platform-private-key", path, PrivateKey::from_bytes)?,
                None,
            ),
            None => {
                let kept = KeptKey::open(folder, "platform", bits)?;
                (kept.key.clone(), Some(kept))
            }
        };
        Ok(Self {
            merchant_key,
            platform_key,
            made_merchant,
            made_platform,
        })
    }

    /// A line for each file that was made or found in the folder. If both keys are there, so is a file with the settings
    /// of a merchant of this sandbox.
    pub(super) fn kept(
        &self,
        folder: &Path,
        about: &Merchant<'_>,
        address: SocketAddr,
    ) -> Result<Vec<(&'static str, PathBuf)>, ServeError> {
        let mut files = Vec::new();
        if let Some(kept) = &self.made_merchant {
            files.push(("merchant's key", kept.private_file.clone()));
        }
        if let Some(kept) = &self.made_platform {
            files.push(("gateway's key", kept.private_file.clone()));
            files.push(("its public half", kept.public_file.clone()));
        }
        if let (Some(merchant), Some(platform)) = (&self.made_merchant, &self.made_platform) {
            let path = folder.join("settings.sh");
            let settings = settings(about, merchant, platform, address);
            write(&path, &settings).map_err(|source| ServeError::KeysFolder {
                path: path.clone(),
                source,
            })?;
            files.push(("settings", path));
        }
        Ok(files)
    }
}

/// What a merchant of this sandbox has to know besides keys and address.
pub(super) struct Merchant<'a> {
    pub(super) id: &'a str,
    pub(super) switches: Switches,
    pub(super) md5_secret_file: Option<&'a Path>,
}

/// The `UCANPAY_*` variables of a merchant of this sandbox, for a shell to read.
fn settings(
    about: &Merchant<'_>,
    merchant: &KeptKey,
    platform: &KeptKey,
    address: SocketAddr,
) -> String {
    let base = reached(address);
    // Named from wherever the shell is.
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut variables = vec![
        ("BASE_URL", base.clone()),
        ("MERCHANT_ID", about.id.to_owned()),
        (
            "PRIVATE_KEY_FILE",
            whole(&merchant.private_file).display().to_string(),
        ),
        (
            "PLATFORM_KEY_FILE",
            whole(&platform.public_file).display().to_string(),
        ),
        ("NOTIFY_BASE_URL", "http://127.0.0.1:3000".to_owned()),
        ("PAY_LINK_BASE_URL", base),
    ];
    // Open points that both sides have to settle alike.
    variables.extend(about.switches.of_the_merchant());
    if let Some(file) = about.md5_secret_file {
        variables.push(("MD5_SECRET_FILE", whole(file).display().to_string()));
    }
    let mut text = String::new();
    for (name, value) in variables {
        let value = value.replace('\'', r"'\''");
        writeln!(text, "export UCANPAY_{name}='{value}'").expect("writing to a String cannot fail");
    }
    text
}

/// How a program on this machine reaches a listener bound to `address`.
fn reached(mut address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}")
}

/// What a person at the terminal is told.
pub(super) fn greeting(address: SocketAddr, files: &[(&str, PathBuf)]) -> String {
    let mut text = format!(
        "UCanPay sandbox (no real money moves)\n  \
         dashboard  http://{address}/\n  \
         gateway    http://{address}/payment/…\n  \
         control    http://{address}/_sandbox/orders\n"
    );
    if files.is_empty() {
        return text;
    }
    text.push_str("Its keys, and the settings of its merchant\n");
    for (what, path) in files {
        writeln!(text, "  {what:15}  {}", path.display()).expect("writing to a String cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_settings_whatever_the_folder_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("it's $HOME");
        let merchant = KeptKey::open(&folder, "merchant", 1024).unwrap();
        let again = KeptKey::open(&folder, "merchant", 2048).unwrap();
        assert_eq!(merchant.public_key(), again.public_key());
        let mut switches = Switches::default();
        for setting in [
            "scheme=path-suffixed",
            "answer-suffix=path",
            "signed-set=empty,form",
            "nonce=once",
        ] {
            switches.set(setting).unwrap();
        }
        let secret = folder.join("secret");
        let about = Merchant {
            id: "1",
            switches,
            md5_secret_file: Some(&secret),
        };
        let script = settings(&about, &merchant, &again, "0.0.0.0:80".parse().unwrap());
        for (name, value) in [
            ("SCHEME", "path-suffixed"),
            ("RECEIVED_SUFFIX", "call"),
            ("SIGNED_SET", "empty,form"),
            ("FRESH_NONCE_ON_RETRY", "true"),
        ] {
            let line = format!("export UCANPAY_{name}='{value}'\n");
            assert!(script.contains(&line), "{script}");
        }
        assert!(script.contains("MD5_SECRET_FILE"), "{script}");
        let script = format!("{script}cat \"$UCANPAY_PRIVATE_KEY_FILE\"; echo $UCANPAY_BASE_URL");
        let shell = std::process::Command::new("sh")
            .args(["-c", &script])
            .output();
        let shown = String::from_utf8(shell.unwrap().stdout).unwrap();
        assert!(shown.starts_with("-----BEGIN PRIVATE KEY-----"), "{shown}");
        assert!(shown.ends_with("http://127.0.0.1:80\n"), "{shown}");
    }
}
