//! Equal values kept once: attribute sets, user agents, licenses.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashSet;

use crate::domain::{Attributes, NewSession};

/// What many sessions have in common. [`sweep`](Self::sweep) drops what no session uses.
#[derive(Debug, Default)]
pub(super) struct Interner {
    attributes: DashSet<Arc<Attributes>>,
    texts: DashSet<Arc<str>>,
}

impl Interner {
    /// `new`, with the parts that another session has too shared with it.
    pub(super) fn share(&self, mut new: NewSession) -> NewSession {
        let attributes = shared(&self.attributes, new.identity.attributes());
        if !Arc::ptr_eq(&attributes, new.identity.attributes()) {
            let identity = Arc::unwrap_or_clone(new.identity).with_attributes(attributes);
            new.identity = Arc::new(identity);
        }
        new.client.user_agent = new.client.user_agent.map(|text| shared(&self.texts, &text));
        new.license = new.license.map(|text| shared(&self.texts, &text));
        new
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
