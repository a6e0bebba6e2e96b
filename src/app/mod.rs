//! The composition root: from options to a gateway that runs, and from new options to a
//! gateway that runs differently. Wiring only.

pub mod demo;
pub mod options;
