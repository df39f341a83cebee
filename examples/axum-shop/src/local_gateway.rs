//! The sandbox inside the shop: a gateway of its own, so that the shop can be tried without an account.
//!
//! Its keys, orders and pending notifications are kept under the data folder: after a restart it is the same gateway.
//! A shop that takes real money needs nothing of this file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;
use ucanpay_core::{KeyError, Merchant, MerchantId, PayLinks, PrivateKey};
use ucanpay_sandbox::{Sandbox, SandboxConfig, SandboxError, State};
use ucanpay_storefront::{UcanpayProvider, UcanpaySettings};
use ucanpay_transport::Client;

use crate::private_file;
use crate::settings::SettingError;

/// The merchant that the sandbox knows.
const MERCHANT_ID: &str = "2000000010";

/// A sandbox and the address it is about to serve.
#[derive(Debug)]
pub(crate) struct LocalGateway {
    pub(crate) sandbox: Sandbox,
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
    /// Kept while the sandbox runs; the system lets go of it when the process ends, however it ends.
    pub(crate) lock: File,
}

/// The sandbox inside cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalGatewayError {
    /// `SANDBOX_LISTEN` is taken or not ours, or another shop runs on this data folder.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A file under the data folder cannot be read or written.
    #[error("the sandbox's file {} cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key file does not hold a key.
    #[error("the sandbox's key file {} cannot be used; remove the sandbox's folder to start afresh", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
    /// The sandbox does not open.
    #[error("the sandbox cannot be opened")]
    Open(#[from] SandboxError),
    /// The shop cannot be its merchant.
    #[error("the sandbox's merchant cannot be set up")]
    Account(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Opens the sandbox kept in `folder`, and the merchant account of the shop at `shop`.
pub(crate) async fn open(
    folder: &Path,
    listen: SocketAddr,
    shop: SocketAddr,
) -> Result<(LocalGateway, UcanpayProvider), LocalGatewayError> {
    std::fs::create_dir_all(folder).map_err(|source| LocalGatewayError::File {
        path: folder.to_owned(),
        source,
    })?;
    let lock = lock(folder)?;
    let merchant_key = kept_key(folder.join("merchant-key.pem")).await?;
    let platform_key = kept_key(folder.join("platform-key.pem")).await?;

    let (listener, address) = crate::program::bind("SANDBOX_LISTEN", listen).await?;
    let config = SandboxConfig::new(
        MERCHANT_ID,
        merchant_key.public_key().clone(),
        platform_key.clone(),
    )
    .with_state(State::File(folder.join("state.sqlite")))
    // Notifications go to the shop, which may listen on another address than loopback.
    .with_allow_remote(!(shop.ip().is_loopback() || shop.ip().is_unspecified()));
    let sandbox = Sandbox::open(config).await?;

    let provider =
        provider(merchant_key, &platform_key, address, shop).map_err(LocalGatewayError::Account)?;
    let gateway = LocalGateway {
        sandbox,
        listener,
        address,
        lock,
    };
    Ok((gateway, provider))
}

/// Takes the folder for this process, and leaves its number there for whoever comes second: two sandboxes on one state
/// would each overwrite what the other answered.
fn lock(folder: &Path) -> Result<File, LocalGatewayError> {
    let path = folder.join("lock");
    let unusable = |source| LocalGatewayError::File {
        path: path.clone(),
        source,
    };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(&path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).map_err(unusable)?;
            write!(file, "{}", std::process::id()).map_err(unusable)?;
            Ok(file)
        }
        Err(TryLockError::Error(source)) => Err(unusable(source)),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Where a locked file cannot be read, the holder stays unnamed.
            let holder = match file.read_to_string(&mut holder) {
                Ok(digits) if digits > 0 => format!(" (process {holder})"),
                _ => String::new(),
            };
            let problem = format!(
                "needs the sandbox in {}, which another shop{holder} is running",
                folder.display()
            );
            let advice = "stop that shop, or name another data folder";
            Err(SettingError::new("SHOP_DATA_DIR", problem, advice).into())
        }
    }
}

fn provider(
    merchant_key: PrivateKey,
    platform_key: &PrivateKey,
    gateway: SocketAddr,
    shop: SocketAddr,
) -> Result<UcanpayProvider, Box<dyn std::error::Error + Send + Sync>> {
    let platform_keys = [platform_key.public_key().clone()];
    let merchant = Merchant::new(MerchantId::new(MERCHANT_ID)?, merchant_key, platform_keys)?;
    let gateway = http_address(gateway);
    let client = Client::builder(merchant).base_url(&gateway).build()?;
    let mut account = UcanpaySettings::new(&http_address(shop))?;
    account.links = PayLinks::default().with_base_url(gateway);
    Ok(UcanpayProvider::new(client, account))
}

/// The key in this file, made at the first start.
async fn kept_key(path: PathBuf) -> Result<PrivateKey, LocalGatewayError> {
    let file = |source| LocalGatewayError::File {
        path: path.clone(),
        source,
    };
    let key = |source| LocalGatewayError::Key {
        path: path.clone(),
        source,
    };
    if let Some(pem) = private_file::read(&path).map_err(file)? {
        return PrivateKey::from_bytes(pem.as_bytes()).map_err(key);
    }
    // Finding the primes takes a moment that would hold up everything else.
    let made = tokio::task::spawn_blocking(|| PrivateKey::generate(2048))
        .await
        .map_err(|error| file(io::Error::other(error)))?
        .map_err(key)?;
    private_file::write(&path, &made.to_pkcs8_pem()).map_err(file)?;
    Ok(made)
}

/// How a program on this machine reaches a listener bound to `address`.
pub(crate) fn http_address(mut address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_reached_through_loopback() {
        for (listen, url) in [
            ("0.0.0.0:3000", "http://127.0.0.1:3000"),
            ("[::]:3000", "http://[::1]:3000"),
            ("127.0.0.1:8090", "http://127.0.0.1:8090"),
            ("192.168.1.5:80", "http://192.168.1.5:80"),
        ] {
            assert_eq!(http_address(listen.parse().unwrap()), url);
        }
    }
}
