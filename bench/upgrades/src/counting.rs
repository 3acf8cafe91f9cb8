//! Bytes in use, counted where they are allocated.

#[allow(unsafe_code, reason = "an allocator that counts")]
#[path = "../../../upgradable/tests/memory/raw.rs"]
mod raw;

pub(crate) use raw::in_use;
