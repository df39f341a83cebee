//! What has happened somewhere in a history: it proves no more than that.

use std::collections::BTreeSet;
use std::sync::Mutex;

#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<BTreeSet<String>>);

impl Seen {
    pub(crate) fn see(&self, what: &str) {
        let mut seen = self.0.lock().unwrap();
        if !seen.contains(what) {
            seen.insert(what.to_owned());
        }
    }

    pub(crate) fn all(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().clone()
    }
}
