//! Headers: the slot of an object, the nodes of its versions, and the two tags of a head.

use std::marker::PhantomData;
use std::mem;
use std::ops::Deref;
use std::ptr::{self, NonNull};

use super::prefetch;
use crate::clock::CommitTs;
use crate::kind::Kind;
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Backoff, Ordering};

/// The place of one object.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Slot {
    /// The newest version, and in the low bits [`LOCKED`] and [`TRIMMING`]. Null: no object.
    head: AtomicPtr<Node>,
    /// Room for one version, free when its kind is [`FREE`].
    inline: Node,
}

/// A value begins so many bytes after the header of its version.
const VALUE: usize = VALUE_AT - mem::offset_of!(Slot, inline);

/// The header of one version.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Node {
    /// When it was committed; before that, when what it held before was, or [`CommitTs::NEVER`].
    stamp: AtomicU64,
    /// The version before it.
    prev: AtomicPtr<Node>,
    /// The kind of its value, and [`INLINE`].
    kind: AtomicU32,
    /// Of an inline node: what the owner of the slot keeps there (a generation, or a count of
    /// handles). It belongs to the slot; it stands here because here four bytes are left.
    meta: AtomicU32,
}

/// All values lie at this offset from the beginning of their slot or block, ...
pub(crate) const VALUE_AT: usize = mem::size_of::<Slot>().next_multiple_of(VALUE_ALIGN);
/// ... which is aligned to this.
pub(crate) const VALUE_ALIGN: usize = 16;

#[cfg(not(any(loom, shuttle)))]
const _: () = assert!(VALUE_AT == 32, "the promise of 32 bytes beside the value");

/// Tag: a committing writer holds the slot; readers wait, since it may have its timestamp.
const LOCKED: usize = 1;
/// Tag: somebody takes versions out of the chain; readers need not care.
const TRIMMING: usize = 2;
const TAGS: usize = LOCKED | TRIMMING;

/// Flag in a node's kind: it lies in a slot.
const INLINE: u32 = 1 << 31;
/// Flag in a node's kind: another version was put over it at a past instant, or nearly so. Then
/// transactions past that instant may have seen it, and only the entry that says until when they
/// are may end it; see [`reclaim`](crate::reclaim).
const LINGERS: u32 = 1 << 30;
/// Flag in the kind of an inline node: a touch has its version in hand, or has had it; see
/// [`succession`](super::succession).
const IN_HAND: u32 = 1 << 29;
/// Flag besides [`IN_HAND`]: and so has another one.
const SHARED: u32 = 1 << 28;
const FLAGS: u32 = INLINE | LINGERS | IN_HAND | SHARED;
/// The kind of an inline node that holds no version.
const FREE: u32 = INLINE;

/// A slot of a domain that lives at least as long as `'d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotRef<'d> {
    ptr: NonNull<Slot>,
    domain: PhantomData<&'d Slot>,
}

/// A node of a domain that lives at least as long as `'d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeRef<'d> {
    ptr: NodePtr,
    domain: PhantomData<&'d Node>,
}

/// A node, with the provenance of all of its slot or block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct NodePtr(NonNull<Node>);

/// A slot, without the domain that owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub(crate) struct SlotPtr(NonNull<Slot>);

// SAFETY: a `SlotPtr` is an address; whoever turns it into a `SlotRef` answers for it, and then
// has access to atomics only.
unsafe impl Send for SlotPtr {}
// SAFETY: as above.
unsafe impl Sync for SlotPtr {}
// SAFETY: a `NodePtr` is an address; whoever turns it into a `NodeRef` or takes its value out
// answers for it; values are `Send + Sync` by the bounds of everything that stores one.
unsafe impl Send for NodePtr {}
// SAFETY: as above.
unsafe impl Sync for NodePtr {}

/// What a head says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'d> {
    tagged: *mut Node,
    domain: PhantomData<&'d Node>,
}

impl<'d> Head<'d> {
    #[inline(always)]
    pub(crate) fn is_locked(self) -> bool {
        self.tagged.addr() & LOCKED != 0
    }

    #[inline(always)]
    fn is_tagged(self) -> bool {
        self.tagged.addr() & TAGS != 0
    }

    /// The newest version, if nobody holds the slot.
    #[inline(always)]
    pub(crate) fn untagged(self) -> Option<NodeRef<'d>> {
        // One test for the tags and for null, which the subtraction turns into an address at the
        // very end. (Were there a node so high, it would be found on the way past locks.)
        const NOT: usize = TAGS | 1 << (usize::BITS - 1);
        if self.tagged.addr().wrapping_sub(TAGS + 1) & NOT != 0 {
            return None;
        }
        // SAFETY: null did not pass the test.
        let ptr = NodePtr(unsafe { NonNull::new_unchecked(self.tagged) });
        Some(NodeRef { ptr, domain: PhantomData })
    }

    /// The newest version, whatever the tags.
    #[inline(always)]
    pub(crate) fn node(self) -> Option<NodeRef<'d>> {
        let ptr = NonNull::new(self.tagged.map_addr(|addr| addr & !TAGS))?;
        Some(NodeRef { ptr: NodePtr(ptr), domain: PhantomData })
    }
}

impl NodePtr {
    /// The beginning of the slot or block that the node lies in.
    #[inline(always)]
    pub(crate) fn block(self) -> *mut u8 {
        // SAFETY: every node lies at this offset in a slot or block, of which the pointer carries
        // the provenance.
        unsafe { self.0.as_ptr().byte_sub(mem::offset_of!(Slot, inline)) }.cast()
    }

    /// Asks for the header and the beginning of the value, to write them soon.
    #[inline(always)]
    pub(crate) fn prefetch_to_write(self) {
        prefetch::to_write(self.0.as_ptr());
        prefetch::to_write(self.0.as_ptr().wrapping_byte_add(VALUE));
    }

    /// As a reference to the header.
    ///
    /// # Safety
    ///
    /// The domain of the node lives at least as long as `'d`.
    #[inline(always)]
    pub(crate) unsafe fn as_ref<'d>(self) -> NodeRef<'d> {
        NodeRef { ptr: self, domain: PhantomData }
    }
}

impl SlotPtr {
    /// As a reference to the header.
    ///
    /// # Safety
    ///
    /// The domain of the slot lives at least as long as `'d`.
    #[inline(always)]
    pub(crate) unsafe fn as_ref<'d>(self) -> SlotRef<'d> {
        SlotRef { ptr: self.0, domain: PhantomData }
    }

    /// The header that [`init`] made at this place.
    pub(crate) fn from_block(at: NonNull<u8>) -> Self {
        Self(at.cast())
    }

    #[inline(always)]
    pub(crate) fn as_ptr(self) -> *mut Slot {
        self.0.as_ptr()
    }

    /// A number that tells slots of living domains apart.
    #[inline(always)]
    pub(crate) fn addr(self) -> usize {
        self.0.as_ptr().addr()
    }
}

impl Deref for SlotRef<'_> {
    type Target = Slot;

    #[inline(always)]
    fn deref(&self) -> &Slot {
        // SAFETY: the domain lives, so the header is there (type-stable headers), and it consists
        // of atomics only.
        unsafe { self.ptr.as_ref() }
    }
}

impl Deref for NodeRef<'_> {
    type Target = Node;

    #[inline(always)]
    fn deref(&self) -> &Node {
        // SAFETY: the domain lives, so the header is there (type-stable headers), and it consists
        // of atomics only.
        unsafe { self.ptr.0.as_ref() }
    }
}

/// Makes a header in fresh memory: a slot without object, or a block without version.
///
/// # Safety
///
/// `at` is valid for writes of a [`Slot`] and aligned to [`VALUE_ALIGN`] or, with values of no
/// larger alignment, to eight; it carries the provenance of the whole slot or block.
pub(crate) unsafe fn init(at: NonNull<u8>, inline: bool) -> SlotPtr {
    let at = at.cast::<Slot>();
    let slot = Slot {
        head: AtomicPtr::new(ptr::null_mut()),
        inline: Node {
            stamp: AtomicU64::new(CommitTs::NEVER.to_bits()),
            prev: AtomicPtr::new(ptr::null_mut()),
            kind: AtomicU32::new(if inline { FREE } else { 0 }),
            meta: AtomicU32::new(0),
        },
    };
    // SAFETY: `at` is valid for writes of a `Slot`.
    unsafe { at.write(slot) };
    SlotPtr(at)
}

/// Ends a header, before its memory goes.
///
/// # Safety
///
/// Nobody uses the header afterwards.
pub(crate) unsafe fn fini(slot: SlotPtr) {
    // SAFETY: nobody uses it afterwards. (The atomics of loom and shuttle do need the drop.)
    unsafe { slot.0.drop_in_place() };
}

impl<'d> SlotRef<'d> {
    /// The node in the slot itself (or in the block, when the "slot" is one).
    #[inline(always)]
    pub(crate) fn inline(self) -> NodeRef<'d> {
        // SAFETY: the offset stays within the header; going by the raw pointer keeps the
        // provenance of the whole slot.
        let node = unsafe { self.ptr.byte_add(mem::offset_of!(Slot, inline)) }.cast();
        NodeRef { ptr: NodePtr(node), domain: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn head(self) -> Head<'d> {
        // Acquire: pairs with the Release of `publish`: who sees a version sees its stamp, its
        // kind and its value. (loom model `reader_against_committer`.)
        Head { tagged: self.head.load(Ordering::Acquire), domain: PhantomData }
    }

    /// The head, when no writer holds it: waits for the short time of a publication.
    #[cold]
    pub(crate) fn wait_unlocked(self) -> Head<'d> {
        let mut backoff = Backoff::new();
        loop {
            let head = self.head();
            if !head.is_locked() {
                return head;
            }
            backoff.snooze();
        }
    }

    /// Takes the commit lock if the slot is free of tags, and returns the newest version.
    #[inline(always)]
    pub(crate) fn try_lock(self) -> Option<Option<NodeRef<'d>>> {
        let head = Head { tagged: self.head.load(Ordering::Relaxed), domain: PhantomData };
        self.tag(head, LOCKED).then(|| head.node())
    }

    /// Takes the commit lock, if `expected` is the newest version and the slot is free of tags.
    pub(crate) fn try_lock_under(self, expected: NodeRef<'d>) -> bool {
        self.tag(Head { tagged: expected.ptr.0.as_ptr(), domain: PhantomData }, LOCKED)
    }

    /// Takes the lock for trimming if the slot is free of tags and not empty, and returns the
    /// newest version.
    pub(crate) fn try_trim(self) -> Option<Option<NodeRef<'d>>> {
        let head = Head { tagged: self.head.load(Ordering::Relaxed), domain: PhantomData };
        // A new variable is stored into an empty slot without asking for a lock.
        // (loom model `variable_end_against_stale_trim`.)
        head.node()?;
        self.tag(head, TRIMMING).then(|| head.node())
    }

    /// From `head`, which must be free of tags, to `head` with this tag.
    #[inline(always)]
    fn tag(self, head: Head<'d>, tag: usize) -> bool {
        // SeqCst (which includes Acquire: whoever locks sees what the last publisher or trimmer
        // wrote, and Release: the tick that follows stays behind). It is also one half of the
        // watch protocol of `retry` and of the privilege protocol of `contention`.
        !head.is_tagged()
            && self
                .head
                .compare_exchange(
                    head.tagged,
                    head.tagged.map_addr(|addr| addr | tag),
                    Ordering::SeqCst,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    /// Gives the lock (of either tag) back without a change.
    #[inline(always)]
    pub(crate) fn unlock(self, newest: Option<NodeRef<'d>>) {
        self.store(newest);
    }

    /// Makes `node` the newest version, which also gives the commit lock back.
    #[inline(always)]
    pub(crate) fn publish(self, node: NodeRef<'d>) {
        self.store(Some(node));
    }

    /// Puts a first version into a slot that nobody else knows, and holds the slot.
    pub(crate) fn publish_locked(self, node: NodeRef<'d>) {
        let head = node.ptr.0.as_ptr().map_addr(|addr| addr | LOCKED);
        // Release: as in `store`.
        self.head.store(head, Ordering::Release);
    }

    /// Makes the slot one without object, which also gives the lock back.
    pub(crate) fn vacate(self) {
        self.store(None);
    }

    #[inline(always)]
    fn store(self, newest: Option<NodeRef<'d>>) {
        let node = newest.map_or(ptr::null_mut(), |node| node.ptr.0.as_ptr());
        // Release: pairs with the Acquire of `head`, and with the Acquire of `tag`.
        self.head.store(node, Ordering::Release);
    }

    /// Puts `node` over `expected`, if that is the newest version and nobody holds the slot.
    pub(crate) fn try_install(self, expected: NodeRef<'d>, node: NodeRef<'d>) -> bool {
        // Release: as in `store`. The expected word is free of tags, so neither a lock nor a trim
        // is passed over.
        self.head
            .compare_exchange(
                expected.ptr.0.as_ptr(),
                node.ptr.0.as_ptr(),
                Ordering::SeqCst,
                Ordering::Relaxed,
            )
            .is_ok()
    }

    /// Asks for the head, to write it soon.
    #[inline(always)]
    pub(crate) fn prefetch_to_write(self) {
        prefetch::to_write(self.ptr.as_ptr());
    }

    /// Asks for the head, to read it soon.
    #[inline(always)]
    pub(crate) fn prefetch(self) {
        prefetch::to_read(self.ptr.as_ptr());
    }

    /// Asks for the header of the version below the newest. Only for who may look at the newest
    /// one's without more ado, as a trim does.
    #[inline(always)]
    pub(crate) fn prefetch_below(self) {
        if let Some(below) = self.head().node().and_then(|newest| newest.prev()) {
            prefetch::to_read(below.ptr.0.as_ptr());
        }
    }

    /// Asks for the newest version and the beginning of its value, by the head.
    #[inline(always)]
    pub(crate) fn prefetch_version(self) {
        // Relaxed: nobody looks at what is there.
        let newest = self.head.load(Ordering::Relaxed).map_addr(|addr| addr & !TAGS);
        prefetch::to_read(newest);
        prefetch::to_read(newest.wrapping_byte_add(VALUE));
    }

    /// What the owner of the slot keeps with it.
    #[inline(always)]
    pub(crate) fn meta(&self) -> &AtomicU32 {
        &self.inline.meta
    }

    /// Whether the room in the slot is free for a version. Asked by a holder of the slot only.
    #[inline(always)]
    pub(crate) fn has_room(self) -> bool {
        // Acquire: pairs with the Release of `NodeRef::set_free`: the old value's drop is over.
        self.inline.kind.load(Ordering::Acquire) == FREE
    }
}

impl<'d> NodeRef<'d> {
    #[inline(always)]
    pub(crate) fn ptr(self) -> NodePtr {
        self.ptr
    }

    #[inline(always)]
    pub(crate) fn stamp(self) -> CommitTs {
        // Acquire: pairs with the Release of `set_stamp`, for who has found the node under a head
        // from before a succession. Else the Acquire of the load that found the node orders it. A
        // reader without pin that meets a recycled node reads a stamp above its snapshot, whichever
        // it is (see the module docs); for that the coherence of this one word is enough.
        CommitTs::from_word(self.stamp.load(Ordering::Acquire))
    }

    #[inline(always)]
    pub(crate) fn set_stamp(self, stamp: CommitTs) {
        // Release: pairs with the Acquire of `stamp`: who sees the stamp of a successor in its
        // predecessor's place sees the lock under which it came there.
        self.stamp.store(stamp.to_bits(), Ordering::Release);
    }

    #[inline(always)]
    pub(crate) fn prev(self) -> Option<NodeRef<'d>> {
        // Acquire: pairs with the Release of `set_prev`: who reaches a node sees its header.
        let ptr = NonNull::new(self.prev.load(Ordering::Acquire))?;
        Some(NodeRef { ptr: NodePtr(ptr), domain: PhantomData })
    }

    #[inline(always)]
    pub(crate) fn set_prev(self, prev: Option<NodeRef<'d>>) {
        let prev = prev.map_or(ptr::null_mut(), |node| node.ptr.0.as_ptr());
        self.prev.store(prev, Ordering::Release);
    }

    #[inline(always)]
    pub(crate) fn kind(self) -> Kind {
        // Acquire: pairs with the Release of `set_kind`: who sees the kind of a successor in its
        // predecessor's place sees the lock under which it came there.
        Kind::from_bits(self.kind.load(Ordering::Acquire) & !FLAGS)
    }

    /// Bytes of its value; a mark of deletion has none.
    #[inline(always)]
    pub(crate) fn size(self) -> usize {
        self.kind().info().map_or(0, |info| info.size)
    }

    /// Names the kind of the value that was just put into the node.
    #[inline(always)]
    pub(crate) fn set_kind(self, kind: Kind, inline: bool) {
        let flag = if inline { INLINE } else { 0 };
        // Release: pairs with the Acquire of `kind`.
        self.kind.store(kind.to_bits() | flag, Ordering::Release);
    }

    /// Names the kind of the value that was just put into the slot in place of another one, whose
    /// marks go with it.
    pub(super) fn change_kind(self, kind: Kind) {
        // A read-modify-write, as the notes of others are: they come before it, or after.
        // Release: as in `set_kind`.
        self.kind.swap(kind.to_bits() | INLINE, Ordering::AcqRel);
    }

    /// Notes that somebody has the version in hand. Whether they are the first.
    ///
    /// The caller looks at the head again, after a full fence.
    pub(super) fn take_in_hand(self) -> bool {
        let first = self.kind.fetch_or(IN_HAND, Ordering::SeqCst) & IN_HAND == 0;
        if !first {
            self.share();
        }
        first
    }

    /// Notes that somebody else has the version in hand, or more.
    pub(super) fn share(self) {
        self.kind.fetch_or(IN_HAND | SHARED, Ordering::SeqCst);
    }

    /// Takes back that somebody has the version in hand, by who took it first, unless others have
    /// noted it besides.
    pub(super) fn let_go(self) {
        let word = self.kind.load(Ordering::Relaxed);
        if word & SHARED == 0 {
            let free = word & !IN_HAND;
            // Release: pairs with `take_in_hand`: who is the first then, and moves the value, does so
            // after everything that was read of it.
            let _ = self.kind.compare_exchange(word, free, Ordering::Release, Ordering::Relaxed);
        }
    }

    /// Takes back that anybody has the version in hand: its value is a new one. By a holder of the
    /// slot, beside whom nobody sees the version.
    #[inline(always)]
    pub(super) fn let_all_go(self) {
        // Relaxed: who takes it in hand meanwhile finds the lock, and begins anew.
        if self.kind.load(Ordering::Relaxed) & (IN_HAND | SHARED) != 0 {
            self.kind.fetch_and(!(IN_HAND | SHARED), Ordering::Relaxed);
        }
    }

    /// Whether somebody may have the version in hand besides whoever took it first.
    pub(super) fn is_shared(self) -> bool {
        self.kind.load(Ordering::Acquire) & SHARED != 0
    }

    /// Keeps the version until its own entry in a log ends it.
    pub(crate) fn linger(self) {
        self.kind.fetch_or(LINGERS, Ordering::Relaxed);
    }

    /// Whether only its own entry in a log may end it.
    #[inline(always)]
    pub(crate) fn lingers(self) -> bool {
        self.kind.load(Ordering::Relaxed) & LINGERS != 0
    }

    /// Whether it lies in a slot.
    #[inline(always)]
    pub(crate) fn is_inline(self) -> bool {
        self.kind.load(Ordering::Relaxed) & INLINE != 0
    }

    /// Gives the room of an inline node back to its slot.
    #[inline(always)]
    pub(crate) fn set_free(self) {
        self.set_stamp(CommitTs::NEVER);
        // Release: pairs with `has_room`.
        self.kind.store(FREE, Ordering::Release);
    }

    /// A link for lists of free blocks; a block's head is used for nothing else.
    #[inline(always)]
    pub(crate) fn set_link(self, next: Option<NodeRef<'d>>) {
        let next = next.map_or(ptr::null_mut(), |node| node.ptr.0.as_ptr());
        self.as_slot().head.store(next, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(crate) fn link(self) -> Option<NodeRef<'d>> {
        let ptr = NonNull::new(self.as_slot().head.load(Ordering::Relaxed))?;
        Some(NodeRef { ptr: NodePtr(ptr), domain: PhantomData })
    }

    #[inline(always)]
    fn as_slot(self) -> SlotRef<'d> {
        // SAFETY: a node lies in a slot or block, so the beginning of it is not null.
        let ptr = unsafe { NonNull::new_unchecked(self.ptr.block()) }.cast();
        SlotRef { ptr, domain: PhantomData }
    }
}
