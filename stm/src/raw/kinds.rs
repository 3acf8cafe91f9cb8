//! The table of kinds: what is known of each, by its number or by its type.
//!
//! A kind's number is its place in a table with open addressing. A place once taken stays taken,
//! so a look-up by number is one load, and one by type mostly two: the hash of a type is known to
//! the compiler. The process's own atomics, also under a model checker: the table is no part of
//! what is modelled.

use std::any::TypeId;
use std::hash::{Hash, Hasher};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use crate::kind::KindInfo;

/// So many types there can be.
const MOST: usize = 65_000;
/// Numbers are below this, and above zero.
pub(crate) const PLACES: u32 = 1 << 17;
/// A type's first place is below this: with few types the table takes few pages of memory.
const NEAR: u32 = 1 << 10;

static TABLE: [AtomicPtr<KindInfo>; PLACES as usize] =
    [const { AtomicPtr::new(ptr::null_mut()) }; PLACES as usize];
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// The compiler's own hash of a type, as it is.
struct AsItIs(u64);

impl Hasher for AsItIs {
    #[inline(always)]
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }

    #[inline(always)]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[inline(always)]
fn hash_of(id: TypeId) -> u64 {
    let mut hasher = AsItIs(0);
    id.hash(&mut hasher);
    hasher.finish()
}

/// Where a type is if nobody else was there first.
#[inline(always)]
fn first_place(hash: u64) -> u32 {
    1 + (hash % u64::from(NEAR - 1)) as u32
}

/// Where it is else: one of these, in this order.
fn further_places(hash: u64) -> impl Iterator<Item = u32> {
    let start = (hash >> 32) as u32;
    (0..PLACES).map(move |n| 1 + start.wrapping_add(n) % (PLACES - 1))
}

/// What is known of the kind with this number.
#[inline(always)]
pub(crate) fn get(number: u32) -> Option<&'static KindInfo> {
    // Acquire: pairs with the Release in `enter`.
    let info = TABLE.get(number as usize)?.load(Ordering::Acquire);
    // SAFETY: null, or a leaked box that is never changed.
    unsafe { info.as_ref() }
}

/// The number of a type. `info` tells what is to be known of it, when it is new.
#[inline(always)]
pub(crate) fn number_of(id: TypeId, info: fn() -> KindInfo) -> u32 {
    let first = first_place(hash_of(id));
    match get(first) {
        Some(found) if found.type_id == id => first,
        _ => search(id, info),
    }
}

#[cold]
#[inline(never)]
fn search(id: TypeId, info: fn() -> KindInfo) -> u32 {
    let hash = hash_of(id);
    for place in std::iter::once(first_place(hash)).chain(further_places(hash)) {
        let found = match get(place) {
            Some(found) => found,
            None => enter(place, info()),
        };
        if found.type_id == id {
            return place;
        }
    }
    unreachable!("the table has more places than there may be types")
}

/// Enters what is known of a kind, for good, and returns it, or what was entered meanwhile.
///
/// Every search for a type goes the same way and stops at the first free place: so a type is
/// entered once.
fn enter(place: u32, info: KindInfo) -> &'static KindInfo {
    assert!(TAKEN.load(Ordering::Relaxed) < MOST, "more than {MOST} types of values");
    let info = Box::into_raw(Box::new(info));
    // Release: pairs with the Acquire in `get`.
    let entered = TABLE[place as usize].compare_exchange(
        ptr::null_mut(),
        info,
        Ordering::Release,
        Ordering::Acquire,
    );
    match entered {
        Ok(_) => {
            TAKEN.fetch_add(1, Ordering::Relaxed);
            // SAFETY: a leaked box that is never changed.
            unsafe { &*info }
        }
        Err(found) => {
            // SAFETY: it was made from a box above, and nobody else knows it.
            drop(unsafe { Box::from_raw(info) });
            // SAFETY: not null, so a leaked box that is never changed.
            unsafe { &*found }
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn every_way_through_the_table_meets_every_place_but_zero() {
        for hash in [0, 1, u64::MAX, 0x9E37_79B9_7F4A_7C15] {
            assert!((1..NEAR).contains(&first_place(hash)));
            let mut met = vec![false; PLACES as usize];
            further_places(hash).for_each(|place| met[place as usize] = true);
            assert!(!met[0] && met[1..].iter().all(|&met| met));
        }
    }
}
