//! Reading and writing in an update transaction.

use std::cell::Cell;
use std::mem;

use super::frame::Frame;
use super::pending::{self, ReadEntry, WriteEntry, WriteState};
use super::slab::Numbered;
use super::slot::{NodePtr, NodeRef};
use super::var::Typed;
use crate::error::AccessError;
use crate::handle::Handle;
use crate::kind::Kind;
use crate::layer::Version;
use crate::sync::Ordering;

/// The state of an update transaction: its frame and, in the frame's context, its lists.
///
/// Its flags stand in the context, too: what is moved when a transaction begins is four words.
#[derive(Debug)]
pub(crate) struct Update<'d> {
    frame: Frame<'d>,
}

/// What the lists said at some point, to go back to it.
#[derive(Debug)]
pub(crate) struct Savepoint {
    writes: Vec<WriteEntry>,
    after_commit: usize,
}

/// Dooms the transaction unless the closure that has a value in its hands comes back.
struct Lending<'u>(&'u Cell<bool>);

impl Drop for Lending<'_> {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

#[cold]
#[track_caller]
fn reentrant() -> ! {
    panic!("an object was used in the transaction while a closure of `modify` changes it");
}

impl<'d> Update<'d> {
    #[inline(always)]
    pub(crate) fn new(frame: Frame<'d>, privileged: bool) -> Self {
        let context = frame.context();
        context.updating.set(true);
        context.privileged.set(privileged);
        context.doomed.set(false);
        Self { frame }
    }

    #[inline(always)]
    pub(crate) fn frame(&self) -> &Frame<'d> {
        &self.frame
    }

    #[inline(always)]
    pub(crate) fn is_doomed(&self) -> bool {
        self.frame.context().doomed.get()
    }

    /// Whether other commits make way for this one.
    #[inline(always)]
    pub(crate) fn is_privileged(&self) -> bool {
        self.frame.context().privileged.get()
    }

    /// Whether its end has not been dealt with.
    #[inline(always)]
    pub(crate) fn is_running(&self) -> bool {
        self.frame.context().updating.get()
    }

    /// Notes that its end has been dealt with.
    #[inline(always)]
    pub(crate) fn end(&self) {
        self.frame.context().updating.set(false);
    }

    /// Where the transaction has an own version of the object.
    #[inline(always)]
    fn own(&self, slot: Numbered) -> Option<(usize, WriteEntry)> {
        let context = self.frame.context();
        let at = context.index.find(slot.slot, &context.writes)?;
        Some((at, context.writes.get(at)?))
    }

    #[inline(always)]
    fn set(&self, at: usize, entry: WriteEntry) {
        self.frame.context().writes.set(at, entry);
    }

    #[inline(always)]
    fn push(&self, slot: Numbered, node: NodePtr, state: WriteState, of: Origin) -> usize {
        let context = self.frame.context();
        // The commit will lock it: let the memory be under way meanwhile.
        self.frame.inner().slot(slot.slot).prefetch_to_write();
        let created = of == Origin::Created;
        let indexed = of != Origin::Typed;
        let entry = WriteEntry { slot, node, state, created, indexed, locked: false, over: None };
        context.index.push(entry, &context.writes)
    }

    /// The version of a variable below the transaction's own, noted as read.
    #[inline(always)]
    fn below(&self, slot: Numbered) -> Option<NodeRef<'d>> {
        self.claim(slot);
        let version = self.frame.version(self.frame.inner().slot(slot.slot));
        self.note(slot, version);
        version
    }

    /// What a privileged transaction reads nobody else writes from here on.
    #[inline(always)]
    fn claim(&self, slot: Numbered) {
        if self.is_privileged() {
            self.frame.inner().privilege.note(slot.slot);
        }
    }

    /// Notes what was read.
    #[inline(always)]
    fn note(&self, slot: Numbered, version: Option<NodeRef<'d>>) {
        let node = version.map(|version| version.ptr());
        self.frame.context().reads.push(ReadEntry { slot: slot.slot, node });
    }

    /// A reference to the value of an own version; from now on it is changed by copy only.
    #[inline(always)]
    fn share(&self, at: usize, entry: WriteEntry) -> NodePtr {
        match entry.state {
            WriteState::Private => {
                self.set(at, WriteEntry { state: WriteState::Shared, ..entry });
            }
            WriteState::Shared | WriteState::Tombstone => {}
            WriteState::Lent => reentrant(),
        }
        entry.node
    }

    /// The value of a typed slot.
    #[inline(always)]
    pub(crate) fn read<T>(&self, typed: Typed<T>) -> &T {
        if let Some((at, entry)) = self.own(Numbered::of(typed)) {
            let node = self.share(at, entry);
            // SAFETY: the slot holds only values of type `T`; a shared own version is neither
            // changed nor dropped before the transaction ends.
            return unsafe { pending::peek(node) };
        }
        match self.below(Numbered::of(typed)) {
            // SAFETY: the slot holds only values of type `T`, and the version is seen by the
            // frame's snapshot, which is announced at least for `'t`.
            Some(version) => unsafe { pending::peek(version.ptr()) },
            None => unreachable!("the first version of a typed slot is visible to every snapshot"),
        }
    }

    /// Writes `value` without looking at what is there.
    #[inline(always)]
    pub(crate) fn write<T: Send + Sync + 'static>(&self, typed: Typed<T>, value: T) {
        let slot = Numbered::of(typed);
        match self.own(slot) {
            Some((at, entry)) => self.overwrite(at, entry, value, typed.kind()),
            None => {
                let (context, inner) = (self.frame.context(), self.frame.inner());
                let node = pending::new_version(value, typed.kind(), context, inner);
                self.push(slot, node, WriteState::Private, Origin::Typed);
            }
        }
    }

    /// Writes over an own version.
    fn overwrite<T: Send + Sync + 'static>(
        &self,
        at: usize,
        entry: WriteEntry,
        value: T,
        kind: Kind,
    ) {
        match entry.state {
            WriteState::Private => {
                // SAFETY: the caller knows the value to be a `T`; nobody refers to a private
                // version, and the reference ends before the old value's drop can run user code.
                let old = mem::replace(unsafe { pending::borrow_mut::<T>(entry.node) }, value);
                drop(old);
            }
            WriteState::Shared => {
                let (context, inner) = (self.frame.context(), self.frame.inner());
                let node = pending::new_version(value, kind, context, inner);
                context.discard(entry.node);
                self.set(at, WriteEntry { node, state: WriteState::Private, ..entry });
            }
            WriteState::Lent | WriteState::Tombstone => reentrant(),
        }
    }

    /// Changes a value by a closure.
    #[inline(always)]
    pub(crate) fn modify<T, R>(&self, typed: Typed<T>, change: impl FnOnce(&mut T) -> R) -> R
    where
        T: Clone + Send + Sync + 'static,
    {
        let (slot, before) = (Numbered::of(typed), self.frame.context().writes.len());
        match self.own(slot) {
            Some((at, entry)) => self.modify_own(at, entry, typed.kind(), change),
            None => {
                let copy = self.read(typed).clone();
                self.expect_not_own(slot, before);
                self.modify_new(slot, copy, typed.kind(), Origin::Typed, change)
            }
        }
    }

    /// Panics if the user's `Clone`, which has run since there were `before` own versions, has
    /// written the object.
    #[inline(always)]
    fn expect_not_own(&self, slot: Numbered, before: usize) {
        if self.frame.context().writes.len() != before && self.own(slot).is_some() {
            reentrant();
        }
    }

    /// Changes a copy of what lies below, and makes it the transaction's own version.
    #[inline(always)]
    fn modify_new<T, R>(
        &self,
        slot: Numbered,
        copy: T,
        kind: Kind,
        of: Origin,
        change: impl FnOnce(&mut T) -> R,
    ) -> R {
        let (context, inner) = (self.frame.context(), self.frame.inner());
        let node = pending::new_version(copy, kind, context, inner);
        let at = self.push(slot, node, WriteState::Lent, of);
        self.lend(at, node, change)
    }

    /// Changes an own version.
    fn modify_own<T, R>(
        &self,
        at: usize,
        mut entry: WriteEntry,
        kind: Kind,
        change: impl FnOnce(&mut T) -> R,
    ) -> R
    where
        T: Clone + Send + Sync + 'static,
    {
        match entry.state {
            WriteState::Private => {}
            WriteState::Shared => {
                let lending = Lending(&self.frame.context().doomed);
                self.set(at, WriteEntry { state: WriteState::Lent, ..entry });
                // SAFETY: the caller knows the value to be a `T`; a shared version does not change.
                let copy = unsafe { pending::peek::<T>(entry.node) }.clone();
                mem::forget(lending);
                let (context, inner) = (self.frame.context(), self.frame.inner());
                context.discard(entry.node);
                entry.node = pending::new_version(copy, kind, context, inner);
            }
            WriteState::Lent | WriteState::Tombstone => reentrant(),
        }
        self.set(at, WriteEntry { state: WriteState::Lent, ..entry });
        self.lend(at, entry.node, change)
    }

    #[inline(always)]
    fn lend<T, R>(&self, at: usize, node: NodePtr, change: impl FnOnce(&mut T) -> R) -> R {
        let lending = Lending(&self.frame.context().doomed);
        // SAFETY: the caller knows the value to be a `T`; while the state of the entry is `Lent`
        // nobody else gets a reference to the value.
        let result = change(unsafe { pending::borrow_mut(node) });
        mem::forget(lending);
        if let Some(entry) = self.frame.context().writes.get(at) {
            self.set(at, WriteEntry { state: WriteState::Private, ..entry });
        }
        result
    }

    /// Creates an object with a handle.
    pub(crate) fn create<T: Send + Sync + 'static>(&self, value: T) -> Handle {
        let (context, inner) = (self.frame.context(), self.frame.inner());
        let kind = Kind::of::<T>();
        let slot = match kind.info().map(|info| context.slots.take(info, &inner.slots)) {
            Some(Ok(slot)) => slot,
            _ => panic!("a domain holds at most four thousand million objects"),
        };
        let at = inner.slot(slot.slot);
        let node = pending::first_version(at, value, kind, context, inner);
        let handle = Handle::new(slot.number, at.meta().load(Ordering::Relaxed));
        self.push(slot, node, WriteState::Private, Origin::Created);
        handle
    }

    /// The version of an object that this transaction sees, its own included.
    #[inline(always)]
    fn find(&self, handle: Handle) -> Result<(Numbered, Found<'d>), AccessError> {
        let slot = self.frame.slot_of(handle)?;
        let Some((at, entry)) = self.own(slot) else {
            return Ok((slot, Found::Below(self.not_deleted(slot, handle)?)));
        };
        self.frame.expect_name(slot, handle)?;
        if entry.state == WriteState::Tombstone {
            return Err(AccessError::Deleted);
        }
        Ok((slot, Found::Own(at, entry)))
    }

    /// The version of an object in its chain, noted as read.
    #[inline(always)]
    fn not_deleted(&self, slot: Numbered, handle: Handle) -> Result<NodeRef<'d>, AccessError> {
        self.read_by(slot, || self.frame.look(slot, handle))
    }

    /// The version of an object that a look finds, noted as read.
    #[inline(always)]
    fn read_by(
        &self,
        slot: Numbered,
        look: impl FnOnce() -> Result<NodeRef<'d>, AccessError>,
    ) -> Result<NodeRef<'d>, AccessError> {
        self.claim(slot);
        let found = look();
        match found {
            Ok(version) => self.note(slot, Some(version)),
            Err(AccessError::Unborn) => self.note(slot, None),
            Err(AccessError::Refused) => {}
            // The slot is another object's, or nobody's: a reason to wait for it, and no more.
            Err(_) => self.note(slot, self.frame.find(slot).ok()),
        }
        let version = found?;
        if version.kind() == Kind::NONE { Err(AccessError::Deleted) } else { Ok(version) }
    }

    #[inline(always)]
    fn expect_kind(&self, node: NodePtr, kind: Kind) -> Result<(), AccessError> {
        let found = self.frame.inner().node(node).kind();
        if found == kind { Ok(()) } else { Err(AccessError::wrong_kind(kind, found)) }
    }

    /// The value of an object.
    #[inline(always)]
    pub(crate) fn get<T: Send + Sync + 'static>(
        &self,
        handle: Handle,
        kind: Kind,
    ) -> Result<&T, AccessError> {
        debug_assert!(kind.is::<T>());
        match self.find(handle)?.1 {
            Found::Below(version) => self.frame.value(version, kind),
            Found::Own(at, entry) => {
                self.expect_kind(entry.node, kind)?;
                let node = self.share(at, entry);
                // SAFETY: the kind says that the value is a `T`; a shared own version is neither
                // changed nor dropped before the transaction ends.
                Ok(unsafe { pending::peek(node) })
            }
        }
    }

    /// The value of an object, not noted as read.
    #[inline(always)]
    pub(crate) fn peek<T: Send + Sync + 'static>(
        &self,
        handle: Handle,
        kind: Kind,
    ) -> Result<&T, AccessError> {
        let slot = self.frame.slot_of(handle)?;
        if self.own(slot).is_some() {
            // Own versions are not noted anyway.
            return self.get(handle, kind);
        }
        let version = self.frame.look(slot, handle)?;
        if version.kind() == Kind::NONE {
            return Err(AccessError::Deleted);
        }
        self.frame.value(version, kind)
    }

    /// What the snapshot sees of an object, noted as read.
    pub(crate) fn version(&self, handle: Handle) -> Result<Version, AccessError> {
        let slot = self.frame.slot_of(handle)?;
        let version = self.not_deleted(slot, handle)?;
        Ok(Version { kind: version.kind(), stamp: version.stamp() })
    }

    /// Writes an object.
    pub(crate) fn put<T: Send + Sync + 'static>(
        &self,
        handle: Handle,
        value: T,
        kind: Kind,
    ) -> Result<(), AccessError> {
        let (slot, found) = self.find(handle)?;
        match found {
            Found::Own(at, entry) => {
                self.expect_kind(entry.node, kind)?;
                self.overwrite(at, entry, value, kind);
            }
            Found::Below(version) => {
                self.expect_kind(version.ptr(), kind)?;
                let (context, inner) = (self.frame.context(), self.frame.inner());
                let node = pending::new_version(value, kind, context, inner);
                self.push(slot, node, WriteState::Private, Origin::Handle);
            }
        }
        Ok(())
    }

    /// Changes an object by a closure.
    pub(crate) fn update<T, R>(
        &self,
        handle: Handle,
        kind: Kind,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, AccessError>
    where
        T: Clone + Send + Sync + 'static,
    {
        let (slot, found) = self.find(handle)?;
        match found {
            Found::Own(at, entry) => {
                self.expect_kind(entry.node, kind)?;
                Ok(self.modify_own(at, entry, kind, change))
            }
            Found::Below(version) => {
                let before = self.frame.context().writes.len();
                let copy = self.frame.value::<T>(version, kind)?.clone();
                self.expect_not_own(slot, before);
                Ok(self.modify_new(slot, copy, kind, Origin::Handle, change))
            }
        }
    }

    /// Deletes an object of any kind.
    pub(crate) fn delete(&self, handle: Handle) -> Result<(), AccessError> {
        let (slot, found) = match self.find(handle) {
            // What the layer does not let anybody see can still go.
            Err(AccessError::Refused) => {
                let slot = self.frame.slot_of(handle)?;
                (slot, Found::Below(self.read_by(slot, || self.frame.look_beneath(slot, handle))?))
            }
            found => found?,
        };
        let (context, inner) = (self.frame.context(), self.frame.inner());
        match found {
            Found::Own(at, entry) => {
                if entry.state == WriteState::Lent {
                    reentrant();
                }
                context.discard(entry.node);
                let node = pending::new_tombstone(context, inner);
                self.set(at, WriteEntry { node, state: WriteState::Tombstone, ..entry });
            }
            Found::Below(_) => {
                let node = pending::new_tombstone(context, inner);
                self.push(slot, node, WriteState::Tombstone, Origin::Handle);
            }
        }
        Ok(())
    }

    /// Remembers what was written so far.
    pub(crate) fn savepoint(&self) -> Savepoint {
        let context = self.frame.context();
        // What stands now must stand then: from here on it is changed by copy.
        for (at, entry) in context.writes.iter(0).enumerate() {
            if entry.state == WriteState::Private {
                self.set(at, WriteEntry { state: WriteState::Shared, ..entry });
            }
        }
        Savepoint {
            writes: context.writes.to_vec(),
            after_commit: context.handlers.after_commit.borrow().len(),
        }
    }

    /// Undoes what was written since. What was read stays read: blocked transactions wait for it.
    pub(crate) fn roll_back_to(&self, savepoint: Savepoint) {
        let context = self.frame.context();
        for (at, entry) in context.writes.iter(0).enumerate() {
            match savepoint.writes.get(at) {
                Some(before) if before.node == entry.node => {}
                Some(_) => context.discard(entry.node),
                None if entry.created => context.abandon(entry),
                None => context.discard(entry.node),
            }
        }
        // A version that was replaced since stands in both lists; it stands again.
        let stands = |node| savepoint.writes.iter().any(|entry| entry.node == node);
        let discarded = context.discarded.take().into_iter().filter(|&node| !stands(node));
        context.discarded.replace(discarded.collect());
        context.writes.replace(savepoint.writes);
        context.index.rebuild(&context.writes);
        let gone = context.handlers.after_commit.borrow_mut().split_off(savepoint.after_commit);
        drop(gone);
    }

    /// Drops everything the transaction wrote, and forgets what it read.
    pub(crate) fn discard_all(&self) {
        let context = self.frame.context();
        context.reads.clear();
        for entry in context.writes.take() {
            self.discard_entry(entry);
        }
        self.forget();
    }

    pub(crate) fn discard_entry(&self, entry: WriteEntry) {
        let (context, inner) = (self.frame.context(), self.frame.inner());
        if entry.created {
            pending::discard_created(entry.slot, entry.node, context, inner);
        } else {
            pending::discard(entry.node, context, inner);
        }
    }

    /// Lends the lists of reads and writes to `f`, and clears them if it succeeds.
    ///
    /// Only for the commit, which has the lists from here and nowhere else, and runs no user code.
    #[inline(always)]
    pub(crate) fn with_lists<R, E>(
        &self,
        f: impl FnOnce(&[ReadEntry], &mut [WriteEntry]) -> Result<R, E>,
    ) -> Result<R, E> {
        let context = self.frame.context();
        context.reads.borrow(|reads| {
            context.writes.borrow(|writes| {
                let result = f(reads, writes);
                if result.is_ok() {
                    reads.clear();
                    writes.clear();
                }
                result
            })
        })
    }

    /// Clears what is left beside the lists of reads and writes.
    #[inline(always)]
    pub(crate) fn forget(&self) {
        let context = self.frame.context();
        context.index.clear();
        if context.extras.get() {
            self.forget_extras();
        }
    }

    #[cold]
    fn forget_extras(&self) {
        let (context, inner) = (self.frame.context(), self.frame.inner());
        context.extras.set(false);
        for node in context.discarded.take() {
            pending::discard(node, context, inner);
        }
        for entry in context.abandoned.take() {
            self.discard_entry(entry);
        }
        context.reads.shrink(1 << 16);
        context.writes.shrink(1 << 12);
    }
}

/// Where the version of an object lies.
enum Found<'d> {
    /// In the transaction's own list.
    Own(usize, WriteEntry),
    /// In the chain, as the snapshot sees it.
    Below(NodeRef<'d>),
}

/// How the transaction came to write an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// By a typed slot.
    Typed,
    /// By a handle.
    Handle,
    /// It created it.
    Created,
}
