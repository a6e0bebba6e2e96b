//! What becomes of a request on its way to the application, and of the answer on its way back.

mod failures;
mod headers;
mod https_upstream;
mod sockets;
mod streams;
mod targets;
mod upgrade;
