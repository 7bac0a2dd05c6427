#![doc = include_str!("../../docs/idempotency.md")]

mod any;
mod guard;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod store;

pub use any::AnyStore;
pub use guard::{Begin, Guard, Run, Ticket};
pub use memory::MemoryStore;
#[cfg(feature = "redis")]
pub use redis::RedisStore;
pub use store::{Claim, Claimed, Store, StoreError};
