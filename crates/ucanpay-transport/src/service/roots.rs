//! Whom TLS trusts: the machine's root certificates, with others beside them, or others alone.

use std::fmt;

type Certificates = Result<Vec<reqwest::Certificate>, &'static str>;

#[derive(Clone)]
pub(super) enum Roots {
    Machine,
    MachineAnd(Certificates),
    Only(Certificates),
}

impl Roots {
    /// Trusts the certificates in `pem` besides. The first mistake is kept until somebody is told.
    pub(super) fn add(&mut self, pem: &[u8]) {
        let more = parse(pem);
        match self {
            Self::Machine => *self = Self::MachineAnd(more),
            Self::MachineAnd(known) | Self::Only(known) => match (known, more) {
                (Ok(known), Ok(more)) => known.extend(more),
                (known @ Ok(_), Err(reason)) => *known = Err(reason),
                (Err(_), _) => {}
            },
        }
    }

    pub(super) fn apply(
        self,
        builder: reqwest::ClientBuilder,
    ) -> Result<reqwest::ClientBuilder, &'static str> {
        Ok(match self {
            Self::Machine => builder,
            Self::MachineAnd(certificates) => builder.tls_certs_merge(certificates?),
            Self::Only(certificates) => builder.tls_certs_only(certificates?),
        })
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Machine => "the machine's",
            Self::MachineAnd(_) => "the machine's and others",
            Self::Only(_) => "others only",
        })
    }
}

/// The certificates in a PEM text: at least one, and each of them one that TLS can be set up with.
pub(super) fn parse(pem: &[u8]) -> Certificates {
    let certificates = reqwest::Certificate::from_pem_bundle(pem)
        .map_err(|_| "the PEM text is damaged; export the certificate again, as PEM")?;
    if certificates.is_empty() {
        return Err("the PEM text holds no certificate; it needs a BEGIN CERTIFICATE line");
    }
    // reqwest looks at the inside only when TLS is set up.
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only(certificates.clone())
        .build()
        .map_err(|_| "the PEM text holds something that is no X.509 certificate")?;
    Ok(certificates)
}
