//! What browsers and programs meet.

mod story;
