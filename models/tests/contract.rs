//! The model's store is a store.

use gatepass_models::{stage, suite};

#[test]
fn the_fleet_fulfils_the_contract() {
    stage::check(suite::the_fleet_fulfils_the_contract, 1);
}
