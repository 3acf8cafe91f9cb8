//! Keys that somebody watches.
//!
//! # Protocol
//!
//! A watched key has a [`Watch`] in a map of its own, whether or not there is an entry. Whoever
//! changes the key changes the watch in the same transaction, and a block reads the watches of its
//! connection in the transaction in which it is executed: so nothing can happen between the two.
//! Writers look into the map only if anybody has ever watched anything, which one more watch, that
//! no key leads to, tells them.

use upgradable::Upgradable;

/// Of a watched key.
#[derive(Upgradable, Clone, Debug, Default)]
#[upgrade(name = "kv.Watch")]
pub(crate) struct Watch {
    /// Connections that watch it.
    pub(crate) watchers: u32,
    /// How often it has been changed since the first of them.
    pub(crate) changes: u64,
}

/// What a connection knows of a key that it watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Watched {
    pub(crate) key: super::Text,
    pub(crate) changes: u64,
    /// Whether there was an entry: one that is gone by its own time counts as changed.
    pub(crate) was_live: bool,
}
