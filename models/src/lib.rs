//! Models of the sessions: the very sources of the crate, with what threads meet on exchanged
//! for what shuttle schedules, and scenarios that hold whoever goes first.

#![allow(dead_code, unexpected_cfgs, unused_imports)]

#[path = "../../src/domain/mod.rs"]
pub mod domain;
pub mod fleet;
#[path = "../../src/query/mod.rs"]
pub mod query;
#[path = "../../src/sessions/mod.rs"]
pub mod sessions;
pub mod stage;
#[path = "../../src/store/mod.rs"]
pub mod store;
pub mod suite;
mod sync;
