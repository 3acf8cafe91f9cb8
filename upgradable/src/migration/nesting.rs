//! Conversions inside of conversions, on one thread.
//!
//! A transformer that reads through its context causes conversions of earlier flips only, so that
//! comes to an end. One that begins a transaction, which sees the present, may ask for the very
//! object that it transforms, or for another one whose transformer does the same, and so on: such a
//! row is cut off.

use std::cell::Cell;
use std::sync::Arc;

use upgradable_stm::Handle;

use super::record::Migration;

/// So many conversions may be under way on a thread.
const DEPTH: usize = 64;

/// A flip, by its address, and the object converted for it.
type UnderWay = (usize, u64);

thread_local! {
    static UNDER_WAY: [Cell<UnderWay>; DEPTH] = const { [const { Cell::new((0, 0)) }; DEPTH] };
    static LEN: Cell<usize> = const { Cell::new(0) };
}

/// A conversion that is under way as long as this lives.
pub(crate) struct Nesting(());

impl Nesting {
    /// Begins a conversion, unless it is under way already, or too many others are.
    pub(crate) fn enter(flip: &Arc<Migration>, object: Handle) -> Option<Self> {
        let new = (Arc::as_ptr(flip) as usize, object.to_bits());
        let len = LEN.get();
        UNDER_WAY.with(|under_way| {
            if under_way[..len].iter().any(|entry| entry.get() == new) {
                return None;
            }
            under_way.get(len)?.set(new);
            LEN.set(len + 1);
            Some(Self(()))
        })
    }
}

impl Drop for Nesting {
    fn drop(&mut self) {
        LEN.set(LEN.get() - 1);
    }
}
