//! Starting, changing and stopping a gateway.

mod reload;
mod start;
mod stop;
