//! The table of kinds: what is known of each, by its number.
//!
//! Append-only, so that a look-up is one load. The process's own atomics, also under a model
//! checker: the table is no part of what is modelled.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::kind::KindInfo;

/// Numbers are below this.
pub(crate) const MOST: usize = 1 << 16;

static TABLE: [AtomicPtr<KindInfo>; MOST] = [const { AtomicPtr::new(ptr::null_mut()) }; MOST];

/// Enters what is known of a kind, for good. Once for each number.
pub(crate) fn set(number: usize, info: KindInfo) {
    let info = Box::leak(Box::new(info));
    // Release: pairs with the Acquire in `get`.
    let before = TABLE[number].swap(info, Ordering::Release);
    debug_assert!(before.is_null(), "each number is given out once");
}

/// What is known of the kind with this number.
#[inline(always)]
pub(crate) fn get(number: usize) -> Option<&'static KindInfo> {
    let info = TABLE.get(number)?.load(Ordering::Acquire);
    // SAFETY: null, or a leaked box that is never changed.
    unsafe { info.as_ref() }
}
