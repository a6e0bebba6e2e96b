//! The suite that every store runs, as far as the model's store goes.

use shuttle::future::block_on;

use crate::domain::{ManualClock, Spaces};
use crate::fleet::FleetStore;
// The suite takes from its `super` what the room has.
use crate::store::*;

#[path = "../../src/store/contract/mod.rs"]
mod contract;

/// Holds the model's store against the contract.
pub fn the_fleet_fulfils_the_contract() {
    block_on(contract::check_sessions(&async |retention| {
        let clock = ManualClock::new();
        let fleet = crate::fleet::Fleet::new(clock.clone(), retention);
        let store = FleetStore::connect(&fleet, Spaces::new()).0;
        (contract::Maker::new(clock), store)
    }));
}
