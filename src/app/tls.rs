//! The TLS of both listeners: read before anything listens, exchanged together.

use std::sync::Arc;

use super::error::BuildError;
use super::options::GatewayOptions;
use crate::domain::Clock;
use crate::net::tls::{NewTls, TlsAcceptor, TlsError, TlsSettings};

/// The TLS of the edge and of the side port; `None` where plain HTTP is spoken.
pub(super) struct Tls {
    edge: Option<TlsAcceptor>,
    admin: Option<TlsAcceptor>,
    clock: Arc<dyn Clock>,
}

/// What [`Tls`] becomes.
pub(super) struct TlsPlan {
    edge: Option<NewTls>,
    admin: Option<NewTls>,
}

impl Tls {
    /// Reads the files that `options` name.
    pub(super) fn new(
        options: &GatewayOptions,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, BuildError> {
        let acceptor = |option, settings: &Option<TlsSettings>| {
            let settings = settings.as_ref();
            let acceptor = settings.map(|s| TlsAcceptor::with_clock(s, Arc::clone(clock)));
            acceptor.transpose().map_err(of(option))
        };
        Ok(Self {
            edge: acceptor(EDGE, &options.edge.tls)?,
            admin: acceptor(ADMIN, &options.admin.tls)?,
            clock: Arc::clone(clock),
        })
    }

    pub(super) const fn edge(&self) -> Option<&TlsAcceptor> {
        self.edge.as_ref()
    }

    pub(super) const fn admin(&self) -> Option<&TlsAcceptor> {
        self.admin.as_ref()
    }

    /// Reads the files that `options` name; nothing is changed yet. What would take a restart
    /// to come into force is read all the same: that it cannot be used is better known now.
    pub(super) fn plan(&self, options: &GatewayOptions) -> Result<TlsPlan, BuildError> {
        let read = |option, acceptor: &Option<TlsAcceptor>, settings: &Option<TlsSettings>| {
            let read = match (acceptor, settings) {
                (Some(acceptor), Some(settings)) => acceptor.read(settings).map(Some),
                (None, Some(settings)) => {
                    TlsAcceptor::with_clock(settings, Arc::clone(&self.clock)).map(|_| None)
                }
                (_, None) => Ok(None),
            };
            read.map_err(of(option))
        };
        Ok(TlsPlan {
            edge: read(EDGE, &self.edge, &options.edge.tls)?,
            admin: read(ADMIN, &self.admin, &options.admin.tls)?,
        })
    }

    /// Shows new clients what was planned.
    pub(super) fn put(&self, plan: TlsPlan) {
        for (acceptor, new) in [(&self.edge, plan.edge), (&self.admin, plan.admin)] {
            if let (Some(acceptor), Some(new)) = (acceptor, new) {
                acceptor.put(new);
            }
        }
    }
}

fn of(option: &'static str) -> impl FnOnce(TlsError) -> BuildError {
    move |source| BuildError::Tls { option, source }
}

const EDGE: &str = "[edge] tls";
const ADMIN: &str = "[admin] tls";
