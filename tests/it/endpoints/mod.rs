//! The gateway's own paths below `/.gatepass/`.

mod jwks;
mod login;
mod logout;
mod sessions;
