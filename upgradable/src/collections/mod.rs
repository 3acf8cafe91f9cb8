//! Collections of objects: many entries, many objects, few conflicts.
//!
//! A `BTreeMap` in one object is copied by every change and makes all changes conflict. These
//! collections are made of many small objects instead, so that a change copies one of them, and
//! transactions conflict only where they meet.
//!
//! A collection is a handle, as small as a [`Ref`] and as easily copied. It may be a field of an
//! object, and has a place among the program's roots by [`set_name`](OrderedMap::set_name).
//!
//! | | find | insert, remove | both ends | iterate | `len` | writers conflict |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | [`OrderedMap`] | O(log n) | O(log n) | O(log n) | O(n) | O(n) | in the same leaf, of up to 24 neighbours |
//! | [`TxHashMap`] | O(1) | O(1) | | O(n) | O(n) | in the same bucket, of up to 16 |
//! | [`Sequence`] | O(log n) | O(log n) | O(log n) | O(n) | O(1) | whenever they insert or remove |
//! | [`Queue`] | | | O(1) | O(n) | O(1) | with their own kind: pushes with pushes, pops with pops |
//!
//! Times of insertions and removals are amortised, n being the most entries there ever were for
//! iterating over a `TxHashMap`. A look-up in a map of a hundred thousand entries reads three or
//! four objects, and allocates nothing. Everything but the values' own work copies one node of each
//! object that it writes, and a node is less than half a kilobyte for keys of eight bytes; nodes
//! that lie above others have up to four kilobytes, and change once in a dozen insertions. (Those
//! of a `Sequence` have less than one, and change with each.)
//!
//! # Values
//!
//! Values are objects of the heap. Methods come in pairs: `insert` creates the object and `remove`
//! deletes it; `insert_ref` and `remove_ref` leave objects to the caller, who may put one object
//! into several collections. Changing a value does not touch the collection.
//!
//! # Upgrade safety
//!
//! Collections refer to their values by lineage. An upgrade of the values' type is planned like any
//! other, by [`Upgrade::migrate`](crate::Upgrade::migrate), and touches no collection: values are
//! transformed when they are touched. In an object that is upgraded, an `OrderedMap<K, v1::Item>`
//! becomes an `OrderedMap<K, v2::Item>` without a word.
//!
//! Keys are plain values. Their type is a part of the collection's: it can't be upgraded in place.
//! `rekey` moves all entries to a new collection, in one transaction. A key's order, or its hash,
//! must stay the same as long as the collection lives.
//!
//! # Iterators
//!
//! An iterator borrows its reader and shows the reader's snapshot, however long it takes. Its items
//! are results: a value that can't be transformed is an error, and the iterator goes on behind it.
//!
//! ```
//! use upgradable::{AccessError, Heap, Upgrade, Upgradable, collections::OrderedMap};
//!
//! mod v1 {
//!     use upgradable::{Upgradable, collections::OrderedMap};
//!
//!     #[derive(Upgradable, Clone)]
//!     #[upgrade(name = "shop.Item")]
//!     pub struct Item { pub cents: u32 }
//!
//!     #[derive(Upgradable, Clone)]
//!     #[upgrade(name = "shop.Shop")]
//!     pub struct Shop { pub items: OrderedMap<String, Item> }
//! }
//! #[derive(Upgradable, Clone)]
//! #[upgrade(version = 2, from = v1::Item)]
//! struct Item { #[upgrade(from = "cents", with = |c| u64::from(*c) * 10)] mills: u64 }
//!
//! #[derive(Upgradable, Clone)]
//! #[upgrade(version = 2, from = v1::Shop)]
//! struct Shop { items: OrderedMap<String, Item>, #[upgrade(default)] is_open: bool }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let heap = Heap::new();
//! let shop = heap.atomically(|tx| {
//!     let items = OrderedMap::create(tx)?;
//!     items.insert(tx, "pear".to_owned(), v1::Item { cents: 40 })?;
//!     Ok(tx.create(v1::Shop { items })?)
//! })?;
//! heap.upgrade(Upgrade::to("2").migrate::<v1::Item, Item>().migrate::<v1::Shop, Shop>())?;
//! let mills = heap.snapshot(|s| -> Result<_, AccessError> {
//!     let shop = s.read(shop.cast::<Shop>())?;
//!     assert!(!shop.is_open);
//!     Ok(shop.items.get(s, "pear")?.map(|pear| pear.mills))
//! })?;
//! assert_eq!(mills, Some(400));
//! # Ok(())
//! # }
//! ```
//!
//! [`Ref`]: crate::Ref

mod fault;
mod handle;
pub mod hash_map;
pub mod ordered_map;
pub mod queue;
pub mod sequence;

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use upgradable_stm::Handle;

pub use self::fault::CheckError;
#[doc(inline)]
pub use self::hash_map::TxHashMap;
#[doc(inline)]
pub use self::ordered_map::OrderedMap;
#[doc(inline)]
pub use self::queue::Queue;
#[doc(inline)]
pub use self::sequence::Sequence;

use crate::access::AccessError;
use crate::lineage::{Shape, Upgradable};
use crate::object::Ref;
use crate::txn::Tx;

/// What can be a key: plain values with a name. Everything that fits is one.
///
/// ```
/// use upgradable::collections::Key;
/// fn is_key<K: Key>() {}
/// is_key::<(u32, String)>();
/// ```
pub trait Key: Clone + Shape + Send + Sync + 'static {}

impl<K: Clone + Shape + Send + Sync + 'static> Key for K {}

/// Runs a part of a transaction that changes several nodes: it happens as a whole or not at all, also
/// for a transaction that goes on after an error of it, or catches a panic in it.
fn whole<R>(tx: &Tx<'_>, part: impl FnOnce() -> Result<R, AccessError>) -> Result<R, AccessError> {
    enum Undone {
        Error(AccessError),
        Panic(Box<dyn Any + Send>),
    }
    let outcome = tx.nested(|_| match catch_unwind(AssertUnwindSafe(part)) {
        Ok(result) => result.map_err(Undone::Error),
        Err(payload) => Err(Undone::Panic(payload)),
    });
    outcome.map_err(|undone| match undone {
        Undone::Error(error) => error,
        Undone::Panic(payload) => resume_unwind(payload),
    })
}

/// Creates the value of a new entry and makes the entry by `enter`. If that fails or panics the
/// value goes again.
fn create_value<V: Upgradable>(
    tx: &Tx<'_>,
    value: V,
    enter: impl FnOnce(Handle) -> Result<(), AccessError>,
) -> Result<Ref<V>, AccessError> {
    struct Unentered<'a, 't, V: Upgradable>(&'a Tx<'t>, Ref<V>);

    impl<V: Upgradable> Drop for Unentered<'_, '_, V> {
        fn drop(&mut self) {
            // If it can't be deleted it is as good as never created.
            let _ = self.0.delete(self.1);
        }
    }

    let value = tx.create(value)?;
    let unentered = Unentered(tx, value);
    enter(value.handle())?;
    mem::forget(unentered);
    Ok(value)
}

/// Deletes a value together with its entry, unless somebody has done so before.
fn delete_value<V: Upgradable>(tx: &Tx<'_>, value: Handle) -> Result<(), AccessError> {
    match tx.delete(Ref::<V>::new(value)) {
        Err(AccessError::Deleted) => Ok(()),
        outcome => outcome,
    }
}

/// Where to part a full node in two when something comes in at `at`: what grows at one end leaves
/// full nodes behind it.
fn part(len: usize, min: usize, at: usize) -> usize {
    if at == len {
        len - min
    } else if at == 0 {
        min
    } else {
        len / 2
    }
}
