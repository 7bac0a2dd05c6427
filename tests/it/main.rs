//! All crates together.
