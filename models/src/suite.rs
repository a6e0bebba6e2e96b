//! The suite that every store runs.

use std::sync::Arc;

use shuttle::future::block_on;

use crate::domain::Spaces;
use crate::fleet::{Fleet, FleetStore};
// The suite takes from its `super` what the room has.
use crate::store::*;

#[path = "../../src/store/contract/mod.rs"]
mod contract;

/// Holds the model's store against the contract.
pub fn the_fleet_fulfils_the_contract() {
    block_on(contract::check(async |clock, retention| {
        FleetStore::connect(&Fleet::new(clock, retention), Spaces::new()).0
    }));
}
