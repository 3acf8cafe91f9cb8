//! A thread's place in a domain: its announcement, its lists, its free memory.
//!
//! Contexts belong to their domain and are lent to threads. A thread finds its context of a domain
//! through thread-local storage, by the domain's number, which is never given out twice; so an
//! entry of a domain that is gone is never followed. A transaction that begins while another one
//! of the same thread runs takes a second context. When the thread ends, its contexts go back.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::{Arc, Weak};

use super::block::BlockCache;
use super::log::Log;
use super::pending::{Handlers, ReadEntry, WriteEntry, WriteIndex};
use super::retire::Ready;
use super::slab::SlotCache;
use super::slot::{NodePtr, NodeRef, SlotRef};
use super::var::VarCache;
use crate::domain::Inner;
use crate::reclaim::active::Seat;
use crate::reclaim::collector::{Guard, LocalHandle};
use crate::reclaim::company::Company;
use crate::reclaim::superseded::SupersededLog;
use crate::sync::thread_local;

/// One thread's place in a domain.
pub(crate) struct Context {
    pub(crate) seat: Arc<Seat>,
    collector: LocalHandle,
    busy: Cell<bool>,
    /// Whether an update transaction runs in it, and what is to be known of that.
    pub(crate) updating: Cell<bool>,
    /// Other commits make way for it.
    pub(crate) privileged: Cell<bool>,
    /// A closure given to `modify` panicked: it must not commit.
    pub(crate) doomed: Cell<bool>,
    /// An update transaction of the same domain was under way on the thread when it began.
    nested: Cell<bool>,
    pub(crate) blocks: BlockCache,
    pub(crate) slots: SlotCache,
    pub(crate) vars: VarCache,
    pub(crate) reads: Log<ReadEntry>,
    pub(crate) writes: Log<WriteEntry>,
    pub(crate) index: WriteIndex,
    /// Versions written and written again in the running transaction.
    pub(crate) discarded: Log<NodePtr>,
    /// Whether there is more than reads and writes to see to at the end of the transaction.
    pub(crate) extras: Cell<bool>,
    /// Objects created and rolled back in the running transaction.
    pub(crate) abandoned: Log<WriteEntry>,
    pub(crate) handlers: Handlers,
    /// What has passed the collector; anybody may empty it.
    pub(crate) ready: Arc<Ready>,
    pub(crate) company: Company,
    /// Versions that the running commit has ended, whose value must be dropped after it.
    pub(crate) ended: Log<NodePtr>,
    /// Versions that were put into blocks though they would fit into their slots, until the next
    /// look at what keeps them out.
    pub(super) successors: Cell<u32>,
    /// Used by the owner, and by a claimer of the seat.
    pub(crate) superseded: RefCell<SupersededLog>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("busy", &self.busy).finish_non_exhaustive()
    }
}

impl Context {
    pub(crate) fn new(seat: Arc<Seat>, collector: LocalHandle) -> Self {
        let ready = Arc::<Ready>::default();
        let superseded = RefCell::new(SupersededLog::new(Arc::clone(&ready)));
        Self {
            seat,
            collector,
            busy: Cell::new(false),
            updating: Cell::new(false),
            privileged: Cell::new(false),
            doomed: Cell::new(false),
            nested: Cell::new(false),
            blocks: BlockCache::new(),
            slots: SlotCache::default(),
            vars: VarCache::default(),
            reads: Log::new(),
            writes: Log::new(),
            index: WriteIndex::default(),
            discarded: Log::new(),
            extras: Cell::new(false),
            abandoned: Log::new(),
            handlers: Handlers::default(),
            ready,
            company: Company::default(),
            ended: Log::new(),
            successors: Cell::new(0),
            superseded,
        }
    }

    /// Keeps a version for the end of the transaction: somebody may still refer to its value.
    pub(crate) fn discard(&self, node: NodePtr) {
        self.discarded.push(node);
        self.extras.set(true);
    }

    /// Keeps an object for the end of the transaction, which will undo its creation.
    pub(crate) fn abandon(&self, entry: WriteEntry) {
        self.abandoned.push(entry);
        self.extras.set(true);
    }

    /// Whether some version in the slot lingers.
    pub(crate) fn lingers(&self, slot: SlotRef<'_>) -> bool {
        let _pin = self.pin();
        std::iter::successors(slot.wait_unlocked().node(), |node| node.prev()).any(NodeRef::lingers)
    }

    /// Pins the collector: nothing that is trimmed from now on is recycled before the guard goes.
    pub(crate) fn pin(&self) -> Guard {
        self.collector.pin()
    }
}

/// The contexts of a domain: those lent out, and those free to be lent.
#[derive(Debug, Default)]
pub(crate) struct ContextPool {
    pub(super) all: Vec<NonNull<Context>>,
    free: Vec<NonNull<Context>>,
}

// SAFETY: the pool owns its contexts. A context is used by one thread at a time: the one it is lent
// to, and what a claimer uses of it is guarded by the claim; lending and giving back happen under
// the lock around the pool, which orders the uses. Nothing in a context is bound to a thread: the
// handle of the collector keeps its state in itself.
unsafe impl Send for ContextPool {}

impl ContextPool {
    fn lend(&mut self, inner: &Inner) -> NonNull<Context> {
        if let Some(context) = self.free.pop() {
            return context;
        }
        let fresh = Context::new(inner.registry.join(), inner.collector.register());
        let context = NonNull::from(Box::leak(Box::new(fresh)));
        self.all.push(context);
        context
    }

    /// Runs `f` on every context that is idle, while its owner is kept out.
    pub(crate) fn for_each_idle(&self, mut f: impl FnMut(&RefCell<SupersededLog>)) {
        for context in &self.all {
            // SAFETY: contexts live as long as the pool. Only the seat, which is shared by design,
            // and, under a claim, the log are touched; no reference to the whole context is made.
            let seat = unsafe { &(*context.as_ptr()).seat };
            if seat.claim() {
                // SAFETY: the claim keeps the owner from using the log.
                f(unsafe { &(*context.as_ptr()).superseded });
                seat.release();
            }
        }
    }

    /// The seats of all contexts.
    pub(crate) fn seats(&self) -> impl Iterator<Item = &Seat> {
        // SAFETY: contexts live as long as the pool. Only the seat is touched, which is shared by
        // design; no reference to the whole context is made.
        self.all.iter().map(|context| unsafe { &*(*context.as_ptr()).seat })
    }

    /// The free blocks of the contexts that no thread has.
    pub(crate) fn free_blocks(&mut self) -> impl Iterator<Item = &BlockCache> {
        // SAFETY: contexts live as long as the pool; those that are free are used by nobody, and
        // lending needs the pool.
        self.free.iter().map(|context| unsafe { &(*context.as_ptr()).blocks })
    }

    /// The queues of all contexts.
    pub(crate) fn queues(&self) -> Vec<Arc<Ready>> {
        // SAFETY: contexts live as long as the pool. Only the queue is touched, which is shared by
        // design; no reference to the whole context is made.
        self.all.iter().map(|context| unsafe { Arc::clone(&(*context.as_ptr()).ready) }).collect()
    }

    /// The queues, with everything in them that the contexts had not given to the collector.
    pub(super) fn end(&mut self) -> Vec<Arc<Ready>> {
        for context in &mut self.all {
            // SAFETY: contexts live as long as the pool, and this pool is the caller's alone.
            let context = unsafe { context.as_mut() };
            context.ready.add(context.superseded.get_mut().take_retired());
        }
        self.queues()
    }
}

impl Drop for ContextPool {
    fn drop(&mut self) {
        for context in self.all.drain(..) {
            // SAFETY: made by `lend` from a box; the domain is going, so no transaction runs.
            drop(unsafe { Box::from_raw(context.as_ptr()) });
        }
    }
}

/// The number of a domain, the domain, and a context of it that is lent to this thread.
type Borrowed = (u64, Weak<Inner>, NonNull<Context>);

/// What a thread knows of its contexts.
struct Seats {
    /// The domain used last, and the context for it.
    hot: Cell<(u64, *const Context)>,
    all: RefCell<Vec<Borrowed>>,
}

#[cfg(not(any(loom, shuttle)))]
thread_local! {
    static SEATS: Seats = const { Seats::new() };
}

#[cfg(any(loom, shuttle))]
thread_local! {
    static SEATS: Seats = Seats::new();
}

impl Seats {
    const fn new() -> Self {
        Self { hot: Cell::new((0, std::ptr::null())), all: RefCell::new(Vec::new()) }
    }
}

impl Drop for Seats {
    fn drop(&mut self) {
        for (_, inner, context) in self.all.get_mut().drain(..) {
            if let Some(inner) = inner.upgrade() {
                inner.contexts.lock().free.push(context);
            }
        }
    }
}

/// A context in use.
#[derive(Debug)]
pub(crate) struct Lent<'d> {
    context: &'d Context,
    /// Given back at once, when thread-local storage is gone already.
    to: Option<&'d Inner>,
}

impl Deref for Lent<'_> {
    type Target = Context;

    #[inline(always)]
    fn deref(&self) -> &Context {
        self.context
    }
}

impl Drop for Lent<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.context.busy.set(false);
        if let Some(inner) = self.to {
            inner.contexts.lock().free.push(NonNull::from(self.context));
        }
    }
}

impl<'d> Lent<'d> {
    /// A context of this domain for this thread.
    #[inline(always)]
    pub(crate) fn of(inner: &'d Arc<Inner>) -> Self {
        let hot = SEATS.try_with(|seats| {
            let (number, context) = seats.hot.get();
            if number != inner.number {
                return None;
            }
            // SAFETY: an entry with the number of a living domain points to a context of it, which
            // lives as long, and was lent to this thread.
            let context = unsafe { &*context };
            (!context.busy.get()).then_some(context)
        });
        match hot {
            Ok(Some(context)) => {
                context.busy.set(true);
                context.nested.set(false);
                Self { context, to: None }
            }
            Ok(None) | Err(_) => Self::search(inner),
        }
    }

    #[cold]
    #[inline(never)]
    fn search(inner: &'d Arc<Inner>) -> Self {
        let found = SEATS.try_with(|seats| {
            let mut all = seats.all.borrow_mut();
            // SAFETY: contexts live as long as their domain, that is `'d`.
            let context_of = |context: &NonNull<Context>| unsafe { &*context.as_ptr() };
            let mine = all.iter().filter(|(number, ..)| *number == inner.number);
            let (mut idle, mut running, mut nested): (Option<&Context>, _, _) =
                (None, false, false);
            for context in mine.map(|(.., context)| context_of(context)) {
                if context.busy.get() {
                    running = true;
                    nested |= context.updating.get();
                } else {
                    idle = Some(context);
                }
            }
            let context = idle.unwrap_or_else(|| {
                all.retain(|(_, inner, _)| inner.strong_count() > 0);
                let context = inner.contexts.lock().lend(inner);
                all.push((inner.number, Arc::downgrade(inner), context));
                context_of(&context)
            });
            // So that a hot context which is not busy means that none of this domain is.
            if !running {
                seats.hot.set((inner.number, context));
            }
            (context, nested)
        });
        let (context, nested, to): (&'d Context, _, _) = match found {
            Ok((context, nested)) => (context, nested, None),
            Err(_) => {
                // At the end of the thread, in the destructor of some other thread-local.
                let context = inner.contexts.lock().lend(inner);
                // SAFETY: contexts live as long as their domain, that is `'d`.
                (unsafe { &*context.as_ptr() }, false, Some(&**inner))
            }
        };
        context.busy.set(true);
        context.nested.set(nested);
        Self { context, to }
    }

    /// Whether an update transaction of the same domain is under way on this thread.
    #[inline(always)]
    pub(crate) fn is_nested(&self) -> bool {
        self.context.nested.get()
    }

    /// Whether at most one transaction is under way on this thread, of whichever domain.
    pub(crate) fn is_only_one() -> bool {
        let busy = |(_, inner, context): &Borrowed| {
            // SAFETY: the domain is alive, so its contexts are.
            inner.strong_count() > 0 && unsafe { context.as_ref() }.busy.get()
        };
        SEATS
            .try_with(|seats| seats.all.borrow().iter().filter(|seat| busy(seat)).count() <= 1)
            .unwrap_or(false)
    }
}
