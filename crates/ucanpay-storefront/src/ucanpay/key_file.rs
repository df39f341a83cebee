//! The files that settings name: keys, and the secret of the keyed MD5. Read whole, wiped after use.
//!
//! An error shows a path as far as it surely is one: somebody may have written the key where its file should be named.

use std::fs::File;
use std::io::{self, Read as _};

use ucanpay_core::Md5Secret;
use zeroize::Zeroizing;

use crate::settings::{Setting, SettingError};

/// No key comes near it.
const LIMIT: u64 = 64 * 1024;

/// The key in the file at `path`, which stands in `setting`.
pub(super) fn key<K, E: std::error::Error>(
    setting: &Setting,
    path: &str,
    read: impl FnOnce(&[u8]) -> Result<K, E>,
) -> Result<K, SettingError> {
    if is_contents(path) {
        return Err(setting.is_wrong(
            "holds what seems to be the key itself",
            "write the key into a file that only the shop may read, and name that file",
        ));
    }
    let bytes = contents(path).map_err(|error| {
        setting.is_wrong(
            format!("names {path}, which cannot be read: {error}"),
            "name a file that the shop may read, from the folder it is started in",
        )
    })?;
    read(&bytes).map_err(|error| {
        setting.is_wrong(
            format!("names {path}, which does not hold the key that is needed: {error}"),
            "the file holds one RSA key, as PEM, DER or the portal's base64",
        )
    })
}

/// The secret in the file that `setting` names. What it names is not repeated: a secret may look like a path.
pub(super) fn md5_secret(setting: &Setting) -> Result<Md5Secret, SettingError> {
    let bytes = contents(setting.text()).map_err(|error| {
        setting.is_wrong(
            format!("names a file that cannot be read: {error}"),
            "name a file that holds the secret, never the secret itself",
        )
    })?;
    let text = std::str::from_utf8(&bytes).ok();
    let secret = text.and_then(|text| Md5Secret::new(text.trim_end_matches(['\r', '\n'])).ok());
    secret.ok_or_else(|| {
        setting.is_wrong(
            "names a file without a secret in it",
            "copy the secret from the merchant portal into the file, as UTF-8",
        )
    })
}

fn contents(path: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)?.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        return Err(io::Error::other(format!("it is larger than {LIMIT} bytes")));
    }
    Ok(bytes)
}

/// Whether a path is more likely a key: PEM has lines, and no base64 of one is as short as a path.
fn is_contents(path: &str) -> bool {
    const LONGEST: usize = 200;
    let long = path.chars().count() > LONGEST && !std::path::Path::new(path).exists();
    long || path.contains('\n') || path.contains("-----")
}
