#![doc = include_str!("../README.md")]

#[cfg(feature = "server")]
mod delivery;
pub mod engine;
#[cfg(feature = "server")]
mod text;
