//! Who a caller is, found out at the edge.

mod challenges;
mod header;
mod jwks_url;
mod jwt;
mod ticket;
