//! Who is logged in to the merchant's list. Kept in memory: after a restart, one logs in again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::admin_token;

/// How long a login lasts.
pub(crate) const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// How many logins are remembered; the oldest make room.
const MOST: usize = 100;

/// One login.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Stands in every form that changes something, and no other site knows it.
    pub(crate) csrf: String,
    since: Instant,
}

/// The logins of this process, by the random id in the browser's cookie.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    /// Makes a login and returns its id.
    pub(crate) fn open(&self) -> String {
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.since.elapsed() < LIFETIME);
        while sessions.len() >= MOST {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.since);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else {
                break;
            };
            sessions.remove(&oldest);
        }
        let id = admin_token::random();
        let session = Session {
            csrf: admin_token::random(),
            since: Instant::now(),
        };
        sessions.insert(id.clone(), session);
        id
    }

    /// The login of this id, while it lasts.
    pub(crate) fn get(&self, id: &str) -> Option<Session> {
        let session = self.lock().get(id).cloned()?;
        (session.since.elapsed() < LIFETIME).then_some(session)
    }

    /// Forgets a login.
    pub(crate) fn close(&self, id: &str) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        // Each change is a single insert or remove, so a poisoned lock still holds a good map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_known_until_it_is_closed() {
        let sessions = Sessions::default();
        let (one, other) = (sessions.open(), sessions.open());
        assert_ne!(one, other);
        let csrf = |id: &str| sessions.get(id).map(|session| session.csrf);
        assert_ne!(csrf(&one), csrf(&other));
        sessions.close(&one);
        assert!(csrf(&one).is_none() && csrf(&other).is_some());
    }

    #[test]
    fn logins_do_not_pile_up() {
        let sessions = Sessions::default();
        let first = sessions.open();
        for _ in 0..MOST {
            sessions.open();
        }
        assert_eq!(sessions.lock().len(), MOST);
        assert!(sessions.get(&first).is_none());
    }
}
