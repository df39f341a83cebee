//! Why a server could not be trusted: what its certificate says, or that it does not speak TLS at all.

use std::{error::Error, io};

use rustls::{CertificateError, Error as TlsError, InvalidMessage};

/// What was wrong between two programs that should speak TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsFault {
    Expired,
    NotYetValid,
    WrongName,
    UnknownIssuer,
    OtherCertificate,
    NoTls,
    Other,
}

impl TlsFault {
    /// The fault among the causes of an error, if TLS was at fault.
    pub(crate) fn among(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(tls) = error.downcast_ref() {
                return Some(Self::of(tls));
            }
            // What an I/O error holds is not among its sources, and may be another one.
            cause = match error.downcast_ref().and_then(io::Error::get_ref) {
                Some(held) => Some(held),
                None => error.source(),
            };
        }
        None
    }

    fn of(error: &TlsError) -> Self {
        match error {
            TlsError::InvalidCertificate(about) => match about {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::Expired
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYetValid
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
                CertificateError::UnknownIssuer => Self::UnknownIssuer,
                _ => Self::OtherCertificate,
            },
            TlsError::InvalidMessage(InvalidMessage::InvalidContentType) => Self::NoTls,
            _ => Self::Other,
        }
    }

    /// What is wrong, in a few words.
    pub(crate) fn found(self) -> &'static str {
        match self {
            Self::Expired => "its certificate has expired, by this machine's clock",
            Self::NotYetValid => "its certificate is not valid yet, by this machine's clock",
            Self::WrongName => "its certificate is another server's",
            Self::UnknownIssuer => "its certificate is from nobody that this machine trusts",
            Self::OtherCertificate => "its certificate cannot be used",
            Self::NoTls => "what answers there does not speak TLS",
            Self::Other => "no TLS connection came about",
        }
    }

    /// What to do.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Expired | Self::NotYetValid => {
                "look at this machine's clock first; if that is right, tell the operator, and send nothing until it is mended"
            }
            Self::WrongName => {
                "look at the spelling of the address, and at who else may answer there"
            }
            Self::UnknownIssuer => {
                "install the machine's root certificates (ca-certificates); if they are there, somebody may be answering in the \
                 gateway's place, such as a proxy: ask whoever runs the network"
            }
            Self::OtherCertificate | Self::Other => {
                "look at the address and at proxies on the way, and ask the operator"
            }
            Self::NoTls => "look at the port, and whether the address should begin with http://",
        }
    }
}
