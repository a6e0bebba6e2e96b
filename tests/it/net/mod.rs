//! A client's connection: framing, limits, patience.

mod framing;
mod limits;
