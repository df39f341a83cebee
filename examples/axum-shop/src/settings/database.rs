//! Where orders and ledger are kept.

use std::fmt;

use super::SettingError;

/// The URL of a SQLite file or a PostgreSQL database. Shown without what may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// A database that keeps what it is given: what is paid must not be forgotten.
    pub(super) fn new(url: String) -> Result<Self, SettingError> {
        let url = Self(url);
        let problem = if url.is_postgres() {
            return Ok(url);
        } else if !url.0.starts_with("sqlite:") {
            "is neither a SQLite nor a PostgreSQL URL"
        } else if url.0.contains(":memory:") || url.0.contains("mode=memory") {
            "would be in memory, and every payment forgotten at the end"
        } else {
            return Ok(url);
        };
        let advice = "it looks like sqlite://data/shop.sqlite or postgres://user@host/database";
        Err(SettingError::new("DATABASE_URL", problem, advice))
    }

    /// The URL, with its password.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names a PostgreSQL database, and not a SQLite file.
    pub fn is_postgres(&self) -> bool {
        self.0.starts_with("postgres://") || self.0.starts_with("postgresql://")
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_postgres() {
            return f.write_str(&self.0);
        }
        let (_, address) = self.0.split_once("://").unwrap_or_default();
        let (address, _) = address.split_once('?').unwrap_or((address, ""));
        let (_, place) = address.rsplit_once('@').unwrap_or(("", address));
        write!(f, "postgres://{place}")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("sqlite://data/shop.sqlite", "sqlite://data/shop.sqlite"),
            (
                "postgres://shop:latte@db:5432/shop",
                "postgres://db:5432/shop",
            ),
            ("postgres://shop:l@tte@db/shop", "postgres://db/shop"),
            ("postgresql://db/shop?password=latte", "postgres://db/shop"),
        ] {
            let url = DatabaseUrl::new(url.to_owned()).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
        }
    }
}
