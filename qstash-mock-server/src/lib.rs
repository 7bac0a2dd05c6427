//! A complete QStash server.
