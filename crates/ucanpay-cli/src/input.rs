//! Files and standard input: read whole, up to a limit that no message and no key comes near.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use ucanpay_core::{KeyFormat, Md5Secret, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use crate::{args::Message, outcome::Failure};

/// Sixteen times what a receiver takes.
const MESSAGE_LIMIT: u64 = 1024 * 1024;
const KEY_LIMIT: u64 = 64 * 1024;

/// The message's bytes, from its file or from standard input.
pub(crate) fn message(message: &Message, stdin: &mut dyn Read) -> Result<Vec<u8>, Failure> {
    let path = message
        .file
        .as_deref()
        .filter(|path| path.as_os_str() != "-");
    let (name, bytes) = match path {
        None => ("standard input".to_owned(), limited(stdin, MESSAGE_LIMIT)),
        Some(path) => {
            let file = File::open(path);
            let bytes = file.and_then(|mut file| limited(&mut file, MESSAGE_LIMIT));
            (shown(path), bytes)
        }
    };
    bytes.map_err(|error| Failure::NotDone(format!("{name} cannot be read: {error}")))
}

/// The bytes of a file that holds a message.
pub(crate) fn file(path: &Path) -> Result<Vec<u8>, Failure> {
    File::open(path)
        .and_then(|mut file| limited(&mut file, MESSAGE_LIMIT))
        .map_err(|error| about(path, format!("cannot be read: {error}")))
}

/// The text on standard input, without its last line break.
pub(crate) fn text(stdin: &mut dyn Read) -> Result<String, Failure> {
    let bytes = limited(stdin, MESSAGE_LIMIT).map_err(|error| error.to_string());
    bytes
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()))
        .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
        .map_err(|error| Failure::NotDone(format!("standard input cannot be read: {error}")))
}

/// A key file's bytes, wiped after use.
pub(crate) fn key_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    File::open(path)
        .and_then(|mut file| limited(&mut file, KEY_LIMIT))
        .map(Zeroizing::new)
        .map_err(|error| about(path, format!("cannot be read: {error}")))
}

pub(crate) fn private_key(path: &Path) -> Result<PrivateKey, Failure> {
    PrivateKey::from_bytes(&key_file(path)?).map_err(|error| about(path, error.to_string()))
}

pub(crate) fn public_key(path: &Path) -> Result<PublicKey, Failure> {
    PublicKey::from_bytes(&key_file(path)?).map_err(|error| about(path, error.to_string()))
}

/// The public half of whichever half the file holds, and how it is written there.
pub(crate) fn either_key(path: &Path) -> Result<(KeyFormat, PublicKey), Failure> {
    let bytes = key_file(path)?;
    let format = KeyFormat::of(&bytes).map_err(|error| about(path, error.to_string()))?;
    let key = if format.is_private() {
        PrivateKey::from_bytes(&bytes).map(|key| key.public_key().clone())
    } else {
        PublicKey::from_bytes(&bytes)
    };
    let key = key.map_err(|error| about(path, error.to_string()))?;
    Ok((format, key))
}

/// The secret in the file that `--md5-secret-file` names. What it names is not repeated: it may be the secret itself.
pub(crate) fn md5_secret(path: &Path) -> Result<Md5Secret, Failure> {
    let about = |what: String| Failure::NotDone(format!("--md5-secret-file: {what}"));
    let bytes = File::open(path)
        .and_then(|mut file| limited(&mut file, KEY_LIMIT))
        .map(Zeroizing::new)
        .map_err(|error| {
            about(format!(
                "what it names cannot be read: {error}; give a file that holds the secret, never the secret itself"
            ))
        })?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| about("the secret in the file is not UTF-8".to_owned()))?;
    Md5Secret::new(text.trim_end_matches(['\r', '\n']))
        .map_err(|_| about("the secret in the file is empty".to_owned()))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "every caller has made the text for this"
)]
pub(crate) fn about(path: &Path, what: String) -> Failure {
    Failure::NotDone(format!("{}: {what}", shown(path)))
}

/// Whether what should name a file is probably its contents, perhaps a private key: long, and no file.
pub(crate) fn is_contents(path: &Path) -> bool {
    const LONGEST: usize = 100;
    path.to_string_lossy().chars().count() > LONGEST && !path.exists()
}

/// The path of a file, for people. Of a key only the beginning is shown, where every key says the same.
fn shown(path: &Path) -> String {
    const BEGINNING: usize = 20;
    let text = path.to_string_lossy();
    if !is_contents(path) {
        return text.into_owned();
    }
    let beginning: String = text.chars().take(BEGINNING).collect();
    format!(
        "{}… (this looks like the key or the message itself, so give a file that holds it)",
        beginning.escape_debug()
    )
}

fn limited(source: &mut dyn Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}
