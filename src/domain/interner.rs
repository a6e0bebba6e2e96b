//! Equal values kept once: attribute sets, user agents, licenses.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashSet;

use super::{Attributes, ClientInfo, Identity};

/// What many sessions have in common. [`sweep`](Self::sweep) drops what no session uses.
#[derive(Debug, Default)]
pub(super) struct Interner {
    attributes: DashSet<Arc<Attributes>>,
    texts: DashSet<Arc<str>>,
}

impl Interner {
    /// Lets `identity`, `client` and `license` share what another session has too.
    pub(super) fn share(
        &self,
        identity: &mut Arc<Identity>,
        client: &mut ClientInfo,
        license: &mut Option<Arc<str>>,
    ) {
        let attributes = self.attributes(identity.attributes());
        if !Arc::ptr_eq(&attributes, identity.attributes()) {
            let own = Identity::clone(identity).with_attributes(attributes);
            *identity = Arc::new(own);
        }
        for text in [&mut client.user_agent, license].into_iter().flatten() {
            *text = self.text(text);
        }
    }

    /// The one that is kept of those that equal `attributes`.
    pub(super) fn attributes(&self, attributes: &Arc<Attributes>) -> Arc<Attributes> {
        shared(&self.attributes, attributes)
    }

    /// The one that is kept of those that equal `text`.
    pub(super) fn text(&self, text: &Arc<str>) -> Arc<str> {
        shared(&self.texts, text)
    }

    pub(super) fn sweep(&self) {
        self.attributes.retain(|value| Arc::strong_count(value) > 1);
        self.texts.retain(|value| Arc::strong_count(value) > 1);
    }
}

fn shared<T: ?Sized + Eq + Hash>(known: &DashSet<Arc<T>>, value: &Arc<T>) -> Arc<T> {
    if let Some(found) = known.get(value) {
        return Arc::clone(&found);
    }
    known.insert(Arc::clone(value));
    Arc::clone(value)
}
