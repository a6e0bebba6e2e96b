//! The gateway's own paths: below `/.gatepass/`, and those of the Qlik dialect.

mod jwks;
mod login;
mod logout;
mod qlik;
mod sessions;
