//! What the side port shows of a space beyond its sessions.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::domain::{ClassifyRule, SpaceId};

/// A space as its configuration describes it.
#[derive(Clone, Debug)]
pub struct SpaceInfo {
    /// Its id.
    pub id: SpaceId,
    /// Its name, for people.
    pub name: String,
    /// The path prefix it answers under, as `/sales`; `None` for all paths.
    pub prefix: Option<String>,
    /// The hosts it answers to; empty for all.
    pub hosts: Vec<String>,
    /// How the license and the kind of client are told of a session that a program opens here.
    pub classify: Vec<ClassifyRule>,
}

impl SpaceInfo {
    /// A space of which nothing is known but its id.
    #[must_use]
    pub fn of(id: SpaceId) -> Self {
        Self {
            name: id.to_string(),
            id,
            prefix: None,
            hosts: Vec::new(),
            classify: Vec::new(),
        }
    }
}

/// The spaces that the side port lists, in the configuration's order. Cheap to clone; a
/// reload [`replace`](Self::replace)s what all clones show.
#[derive(Clone, Debug, Default)]
pub struct AdminSpaces(Arc<ArcSwap<Vec<SpaceInfo>>>);

impl AdminSpaces {
    /// These spaces.
    #[must_use]
    pub fn new(spaces: Vec<SpaceInfo>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(spaces)))
    }

    /// Shows these spaces from now on.
    pub fn replace(&self, spaces: Vec<SpaceInfo>) {
        self.0.store(Arc::new(spaces));
    }

    /// The spaces now.
    #[must_use]
    pub fn load(&self) -> Arc<Vec<SpaceInfo>> {
        self.0.load_full()
    }
}
