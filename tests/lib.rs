//! Tests of the three crates together; nothing to import.
