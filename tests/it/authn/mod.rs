//! Who a caller is, found out at the edge.

mod certificate;
mod challenges;
mod header;
mod jwks_url;
mod jwt;
mod ticket;
