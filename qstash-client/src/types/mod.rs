//! Values that are parsed once and then trusted: ids, tokens, times, pages.

pub(crate) mod ids;
pub(crate) mod json;
pub(crate) mod other;
pub(crate) mod page;
pub(crate) mod region;
pub(crate) mod secret;
pub(crate) mod token;
pub(crate) mod trace;
