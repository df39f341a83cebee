//! The keys of a sandbox that was given none: made at the first start, kept in a folder, and found there again.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ucanpay_core::{KeyError, PrivateKey, PublicKey};

use super::serve::ServeError;

/// A key that was given.
pub(super) fn given<K>(
    option: &'static str,
    path: PathBuf,
    read: impl FnOnce(&[u8]) -> Result<K, KeyError>,
) -> Result<K, ServeError> {
    let bytes = std::fs::read(&path).map_err(|source| ServeError::KeyFile {
        option,
        path: path.clone(),
        source,
    })?;
    read(&bytes).map_err(|source| ServeError::Key {
        option,
        path,
        source,
    })
}

/// `{name}.pem` and `{name}.pub.pem` in `folder`, made if they are not there. Keys that are there keep their size.
pub(super) struct KeptKey {
    pub(super) key: PrivateKey,
    pub(super) private_file: PathBuf,
    pub(super) public_file: PathBuf,
}

impl KeptKey {
    pub(super) fn open(folder: &Path, name: &str, bits: usize) -> Result<Self, ServeError> {
        let private_file = folder.join(format!("{name}.pem"));
        let public_file = folder.join(format!("{name}.pub.pem"));
        let unusable = |path: &Path| {
            let path = path.to_owned();
            |source| ServeError::KeysFolder { path, source }
        };
        std::fs::create_dir_all(folder).map_err(unusable(folder))?;
        let key = match std::fs::read(&private_file) {
            Ok(pem) => PrivateKey::from_bytes(&pem).map_err(|source| ServeError::Key {
                option: "keys",
                path: private_file.clone(),
                source,
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = PrivateKey::generate(bits).map_err(|source| ServeError::Key {
                    option: "keys",
                    path: private_file.clone(),
                    source,
                })?;
                write(&private_file, &key.to_pkcs8_pem()).map_err(unusable(&private_file))?;
                key
            }
            Err(source) => return Err(unusable(&private_file)(source)),
        };
        // Written each time: cheap, and it cannot be another key's.
        write(&public_file, &key.public_key().to_spki_pem()).map_err(unusable(&public_file))?;
        Ok(Self {
            key,
            private_file,
            public_file,
        })
    }

    pub(super) fn public_key(&self) -> PublicKey {
        self.key.public_key().clone()
    }
}

/// Writes a file whole or not at all, readable by its owner only.
pub(super) fn write(path: &Path, content: &str) -> io::Result<()> {
    let half_done = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(&half_done)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&half_done, path)
}
