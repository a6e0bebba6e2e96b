//! Tests of the guard: the grammar alone, against hyper, and in front of hyper.

mod connection;
mod framing;
mod harness;
mod waiting;
