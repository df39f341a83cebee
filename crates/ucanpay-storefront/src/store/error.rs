//! What a store can fail with.

use std::error::Error as StdError;

/// The ledger could not be read or written. Nothing was half-written; the same command can be given again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database did not do what it was asked; it may later.
    #[error("the ledger's database is not available")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// The database could not be opened, or its tables not brought up to date.
    #[error("the ledger's database cannot be used: {reason}")]
    Setup {
        /// What is wrong with it.
        reason: String,
        /// Why.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// A row holds something this version did not write.
    #[error("the ledger holds a {what} that cannot be read")]
    Corrupt {
        /// Which column of which table.
        what: &'static str,
    },
}

impl StoreError {
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn setup(
        reason: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::Setup {
            reason: reason.into(),
            source: Some(source.into()),
        }
    }

    /// The code by which the database told what was wrong with a statement, if that was the trouble.
    #[cfg(feature = "postgres")]
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Unavailable(source) => source.downcast_ref::<Said>()?.code.as_deref(),
            Self::Setup { .. } | Self::Corrupt { .. } => None,
        }
    }
}

#[cfg(feature = "sqlite")]
impl StoreError {
    /// Whether the trouble lies with a row, not with the database: a broken constraint, or a row that cannot be read.
    pub(super) fn is_about_a_row(&self) -> bool {
        match self {
            Self::Corrupt { .. } => true,
            Self::Unavailable(source) => {
                let said = source.downcast_ref::<Said>();
                let read = source.downcast_ref::<sqlx::Error>();
                said.is_some_and(|said| said.about_a_row)
                    || matches!(
                        read,
                        Some(sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))
                    )
            }
            Self::Setup { .. } => false,
        }
    }
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(said) => Self::Unavailable(Box::new(Said {
                code: said.code().map(Into::into),
                #[cfg(feature = "sqlite")]
                about_a_row: said.kind() != sqlx::error::ErrorKind::Other,
                message: said.message().to_owned(),
            })),
            error => Self::Unavailable(error.into()),
        }
    }
}

/// What the database said, without its details: those of PostgreSQL quote whole rows, and a row holds a signed body.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Said {
    code: Option<String>,
    /// A constraint of the tables was broken.
    #[cfg(feature = "sqlite")]
    about_a_row: bool,
    message: String,
}
