//! The program: its command line, its output, its signals, and the official SDKs as its users.

mod binary;
mod cors;
mod https;
mod sdk;
