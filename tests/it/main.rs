//! All crates together.

mod tidy;
