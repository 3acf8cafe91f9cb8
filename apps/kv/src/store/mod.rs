//! What is stored, in all its versions, and the commands on it.
//!
//! [`Keyspace`] maps keys to entries; an entry is an object of the lineage `kv.Entry`, of one of
//! the versions in [`entry`]. [`command`] has the commands, as functions over a [`Look`] or a
//! [`Change`]; most are written once for all versions of the entry. A [`Store`] is the program of
//! one version: its commands on its entries.

pub(crate) mod command;
pub(crate) mod entry;
mod fault;
mod glob;
mod keyspace;
mod number;
mod program;
mod request;
mod size;
mod view;
mod watch;

pub(crate) use self::fault::{Fault, OVERFLOW};
pub(crate) use self::keyspace::Keyspace;
pub(crate) use self::program::Store;
pub(crate) use self::request::{Answer, Job, Request};
pub(crate) use self::view::{Change, Look};
pub(crate) use self::watch::Watched;

pub(crate) use self::glob::fits;

/// Whether a word is a whole number.
pub(crate) fn is_number(word: &[u8]) -> bool {
    number::parse(word).is_some()
}

/// Bytes that many may hold.
pub(crate) type Text = std::sync::Arc<[u8]>;

/// Milliseconds since 1970.
pub(crate) type Millis = u64;
