//! The reverse proxy.

pub mod body;
pub mod deadline;
pub mod upgrade;
pub mod upstream;

#[cfg(test)]
mod front;
