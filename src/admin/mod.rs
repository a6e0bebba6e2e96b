//! The side port.
