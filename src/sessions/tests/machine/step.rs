//! What can happen.

use proptest::prelude::*;

use crate::store::redis::tests::cable::Cable;

/// Something that happens. Numbers are taken modulo what there is: nodes, sessions.
#[derive(Clone, Debug)]
pub(super) enum Step {
    LogIn {
        node: usize,
        user: usize,
        space: usize,
    },
    /// A request with the cookie of a session.
    Request {
        node: usize,
        session: usize,
    },
    /// A credential that opens a session too.
    Credential {
        node: usize,
        session: usize,
    },
    End {
        node: usize,
        session: usize,
    },
    EndUser {
        node: usize,
        user: usize,
        space: usize,
    },
    EndSpace {
        node: usize,
        space: usize,
    },
    Lock {
        node: usize,
        user: usize,
        space: usize,
    },
    Unlock {
        node: usize,
        user: usize,
        space: usize,
    },
    /// Time passes, on all clocks.
    Pass {
        millis: u64,
    },
    Sweep {
        node: usize,
    },
    /// The store is told of last activity.
    Flush {
        node: usize,
    },
    /// The node dies, and another one takes its place.
    Replace {
        node: usize,
        orderly: bool,
    },
    /// The way to the store breaks.
    Break {
        node: usize,
        cable: Cable,
    },
    /// The node hears of no change any more.
    Deafen {
        node: usize,
    },
    Mend {
        node: usize,
    },
}

/// Users, of whom two have sessions in the same few spaces.
pub(super) const USERS: [&str; 2] = ["ann", "bob"];

/// Spaces: without a limit, with one that ends the oldest, with one that refuses.
pub(super) const SPACES: [&str; 3] = ["1", "2", "3"];

/// On one process that never dies.
pub(super) fn alone() -> impl Strategy<Value = Step> {
    prop_oneof![12 => everywhere(), 2 => ages()]
}

/// Processes die, time passes.
pub(super) fn restarting() -> impl Strategy<Value = Step> {
    let replace = (0..3_usize, any::<bool>());
    let replace = replace.prop_map(|(node, orderly)| Step::Replace { node, orderly });
    prop_oneof![12 => everywhere(), 2 => ages(), 2 => replace]
}

/// The network does what it can, and time passes as it does meanwhile.
pub(super) fn cut_off() -> impl Strategy<Value = Step> {
    let node = || 0..3_usize;
    let cable = prop::sample::select(vec![Cable::Cut, Cable::OneWay]);
    prop_oneof![
        12 => everywhere(),
        3 => (200..3000_u64).prop_map(|millis| Step::Pass { millis }),
        2 => (node(), cable).prop_map(|(node, cable)| Step::Break { node, cable }),
        1 => node().prop_map(|node| Step::Deafen { node }),
        3 => node().prop_map(|node| Step::Mend { node }),
        1 => (node(), any::<bool>())
            .prop_map(|(node, orderly)| Step::Replace { node, orderly }),
    ]
}

fn ages() -> impl Strategy<Value = Step> {
    prop::sample::select(vec![20, 290, 620]).prop_map(|seconds| Step::Pass {
        millis: seconds * 1000,
    })
}

fn everywhere() -> impl Strategy<Value = Step> {
    let node = || 0..3_usize;
    let session = || (node(), 0..12_usize);
    let user = || (node(), 0..USERS.len(), 0..SPACES.len());
    prop_oneof![
        6 => user().prop_map(|(node, user, space)| Step::LogIn { node, user, space }),
        8 => session().prop_map(|(node, session)| Step::Request { node, session }),
        1 => session().prop_map(|(node, session)| Step::Credential { node, session }),
        4 => session().prop_map(|(node, session)| Step::End { node, session }),
        1 => user().prop_map(|(node, user, space)| Step::EndUser { node, user, space }),
        1 => (node(), 0..SPACES.len()).prop_map(|(node, space)| Step::EndSpace { node, space }),
        1 => user().prop_map(|(node, user, space)| Step::Lock { node, user, space }),
        2 => user().prop_map(|(node, user, space)| Step::Unlock { node, user, space }),
        1 => node().prop_map(|node| Step::Sweep { node }),
        1 => node().prop_map(|node| Step::Flush { node }),
    ]
}
