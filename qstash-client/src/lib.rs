//! Typed async client for QStash.
