//! Values in and out of nodes.
//!
//! A value lies directly behind its node's header. Values that are over-aligned or large lie in a
//! box of their own, and the node holds the pointer: headers are recycled by size, so large ones
//! would keep large memory, and every node may then be aligned alike.

use std::mem::{self, MaybeUninit};

use super::slot::{NodePtr, VALUE_ALIGN, VALUE_AT};

/// Drops the value at this place.
pub(crate) type DropFn = unsafe fn(*mut u8);

/// The largest value that lies in a node itself.
pub(crate) const LARGEST_INLINE: usize = 448;

/// A word of anything, pointers and padding included.
type Word = MaybeUninit<usize>;

const fn is_boxed<T>() -> bool {
    mem::align_of::<T>() > VALUE_ALIGN || mem::size_of::<T>() > LARGEST_INLINE
}

/// The bytes that a `T` takes in a node; at least one.
///
/// Nodes for no bytes are for versions without value only: the kind of such a node never changes.
/// So a reader without pin that has found the mark of a deletion does not, when the mark has been
/// recycled meanwhile, take it for a value. (loom model `tombstone_against_reader`.)
pub(crate) const fn stored_size<T>() -> usize {
    match mem::size_of::<T>() {
        _ if is_boxed::<T>() => mem::size_of::<Box<T>>(),
        0 => 1,
        size => size,
    }
}

/// What a slot must be aligned to for a `T` in it: a word, or as all blocks are.
pub(crate) const fn slot_align<T>() -> usize {
    if !is_boxed::<T>() && mem::align_of::<T>() > mem::align_of::<Word>() {
        VALUE_ALIGN
    } else {
        mem::align_of::<Word>()
    }
}

/// How to drop a stored `T`, if it needs to be.
pub(crate) fn drop_fn<T>() -> Option<DropFn> {
    /// # Safety
    ///
    /// `at` holds a stored `T`, and is not used as one afterwards.
    unsafe fn drop_stored<T>(at: *mut u8) {
        if is_boxed::<T>() {
            // SAFETY: `at` holds a stored `T`: the box that `put` wrote; nobody uses it afterwards.
            drop(unsafe { at.cast::<Box<T>>().read() });
        } else {
            // SAFETY: `at` holds a stored `T`: the value that `put` wrote; nobody uses it
            // afterwards.
            unsafe { at.cast::<T>().drop_in_place() };
        }
    }
    (is_boxed::<T>() || mem::needs_drop::<T>()).then_some(drop_stored::<T> as DropFn)
}

/// Where the value of `node` lies.
#[inline(always)]
fn place(node: NodePtr) -> *mut u8 {
    // SAFETY: every node is a part of a slot or block that is at least `VALUE_AT` bytes longer
    // than the offset of the node in it, and `node` carries the provenance of all of it.
    unsafe { node.block().byte_add(VALUE_AT) }
}

/// Whether a value that wants this alignment may lie in `node`.
#[inline(always)]
pub(crate) fn is_aligned(node: NodePtr, align: usize) -> bool {
    place(node).addr().is_multiple_of(align)
}

/// Stores `value` in `node`, whose old content, if any, is forgotten.
///
/// # Safety
///
/// The node has room for [`stored_size::<T>()`] bytes, and is private to the caller.
#[inline(always)]
pub(crate) unsafe fn put<T>(node: NodePtr, value: T) {
    let at = place(node);
    if is_boxed::<T>() {
        // SAFETY: the node has room for a pointer and is private to the caller.
        unsafe { at.cast::<Box<T>>().write(Box::new(value)) };
    } else {
        // SAFETY: the node has room for a `T` and is private to the caller.
        unsafe { at.cast::<T>().write(value) };
    }
}

/// The value of `node`.
///
/// # Safety
///
/// The node holds a stored `T`, which is not dropped or changed during `'t`.
#[inline(always)]
pub(crate) unsafe fn get<'t, T>(node: NodePtr) -> &'t T {
    let at = place(node);
    if is_boxed::<T>() {
        // SAFETY: the node holds a stored `T`, which is not dropped or changed during `'t`.
        unsafe { &*at.cast::<Box<T>>() }
    } else {
        // SAFETY: the node holds a stored `T`, which is not dropped or changed during `'t`.
        unsafe { &*at.cast::<T>() }
    }
}

/// The value of `node`, to change it.
///
/// # Safety
///
/// The node holds a stored `T`, is private to the caller, and nobody else refers to its value
/// during `'t`.
#[inline(always)]
pub(crate) unsafe fn get_mut<'t, T>(node: NodePtr) -> &'t mut T {
    let at = place(node);
    if is_boxed::<T>() {
        // SAFETY: the node holds a stored `T`, and nobody else refers to its value during `'t`.
        unsafe { &mut *at.cast::<Box<T>>() }
    } else {
        // SAFETY: the node holds a stored `T`, and nobody else refers to its value during `'t`.
        unsafe { &mut *at.cast::<T>() }
    }
}

/// Moves the value of `from` to `to`: afterwards `from` holds none.
///
/// # Safety
///
/// `from` holds a stored value of `size` bytes to which nobody refers; `to` has room for as many;
/// both are private to the caller.
#[inline(always)]
pub(crate) unsafe fn relocate(from: NodePtr, to: NodePtr, size: usize) {
    let (source, target) = (place(from), place(to));
    if (1..=mem::size_of::<Word>()).contains(&size) {
        // The common case, without a call.
        // SAFETY: slots and blocks are a multiple of a word long, and so aligned: where there is
        // room for one byte there is room for a word.
        unsafe { target.cast::<Word>().write(source.cast::<Word>().read()) };
        return;
    }
    // SAFETY: `size` bytes can be read at `from` and written at `to`, which are different nodes.
    unsafe { source.copy_to_nonoverlapping(target, size) };
}

/// Exchanges the values of two nodes.
///
/// # Safety
///
/// Both hold stored values of `size` bytes to which nobody refers, and are private to the caller.
pub(crate) unsafe fn swap(one: NodePtr, other: NodePtr, size: usize) {
    // SAFETY: `size` bytes can be read and written at both, which are different nodes.
    unsafe { std::ptr::swap_nonoverlapping(place(one), place(other), size) };
}

/// Drops the value of `node`.
///
/// # Safety
///
/// The node holds a value that `drop` fits; nobody refers to it any more or drops it again.
pub(crate) unsafe fn drop_value(node: NodePtr, drop: DropFn) {
    // SAFETY: passed on to the caller, word for word.
    unsafe { drop(place(node)) };
}

/// Takes the value out of `node`, which holds none afterwards.
///
/// # Safety
///
/// The node holds a stored `T` to which nobody refers, and is private to the caller.
pub(crate) unsafe fn take<T>(node: NodePtr) -> T {
    let at = place(node);
    if is_boxed::<T>() {
        // SAFETY: the node holds a stored `T`, and nobody uses it as one afterwards.
        *unsafe { at.cast::<Box<T>>().read() }
    } else {
        // SAFETY: the node holds a stored `T`, and nobody uses it as one afterwards.
        unsafe { at.cast::<T>().read() }
    }
}
