//! Services: a heap, and the program that answers for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use upgradable_stm::{CommitTs, Era};

use super::Program;
use super::terms::Terms;
use crate::access::AccessError;
use crate::heap::Heap;
use crate::txn::{Abort, Read, TxError};
use crate::upgrade::{RunningUpgrade, Upgrade, UpgradeError};

type Code<Q, A> = dyn Program<Request = Q, Response = A>;

/// A heap and the current program on it.
///
/// Each request is one transaction, on the program of that transaction's era. An upgrade of the
/// service changes the types of the heap and the program in one step. Clones name the same
/// service.
///
/// ```
/// use upgradable::{Abort, AccessError, Heap, Program, Ref, Service, Snapshot, Tx, Upgrade, Upgradable};
///
/// mod v1 {
///     #[derive(upgradable::Upgradable, Clone)]
///     #[upgrade(name = "door.Bell")]
///     pub struct Bell { pub rings: u32 }
/// }
/// #[derive(Upgradable, Clone)]
/// #[upgrade(version = 2, from = v1::Bell)]
/// struct Bell {
///     rings: u32,
///     #[upgrade(default)]
///     muted: bool,
/// }
///
/// struct First(Ref<v1::Bell>);
/// struct Second(Ref<Bell>);
///
/// impl Program for First {
///     type Request = &'static str;
///     type Response = String;
///     fn execute(&self, tx: &Tx<'_>, _: &&str) -> Result<String, Abort<String>> {
///         Ok(tx.modify(self.0, |bell| { bell.rings += 1; format!("ring {}", bell.rings) })?)
///     }
/// }
/// impl Program for Second {
///     type Request = &'static str;
///     type Response = String;
///     fn execute(&self, tx: &Tx<'_>, request: &&str) -> Result<String, Abort<String>> {
///         Ok(tx.modify(self.0, |bell| match *request {
///             "mute" => { bell.muted = true; "muted".to_owned() }
///             _ if bell.muted => "...".to_owned(),
///             _ => { bell.rings += 1; format!("RING {}", bell.rings) }
///         })?)
///     }
/// }
///
/// let heap = Heap::new();
/// let bell = heap.atomically(|tx| Ok(tx.create(v1::Bell { rings: 0 })?))?;
/// let service = Service::new(heap, First(bell));
/// assert_eq!(service.call(&"ring")?, "ring 1");
///
/// let plan = Upgrade::to("2").migrate::<v1::Bell, Bell>();
/// let running = service.upgrade(plan, Second(bell.cast()))?;
/// assert_eq!(service.call(&"ring")?, "RING 2");
/// assert_eq!(service.call(&"mute")?, "muted");
///
/// running.roll_back()?.wait()?;
/// assert_eq!(service.call(&"ring")?, "ring 3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Service<Q, A> {
    heap: Heap,
    terms: Arc<Terms<Code<Q, A>>>,
}

impl<Q, A> Clone for Service<Q, A> {
    fn clone(&self) -> Self {
        Self { heap: self.heap.clone(), terms: Arc::clone(&self.terms) }
    }
}

impl<Q, A> fmt::Debug for Service<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("heap", &self.heap)
            .field("programs", &self.terms.len())
            .finish_non_exhaustive()
    }
}

impl<Q: 'static, A: 'static> Service<Q, A> {
    /// A service on this heap, with its first program.
    ///
    /// ```
    /// # use upgradable::{Abort, Heap, Program, Service, Tx};
    /// struct Echo;
    /// impl Program for Echo {
    ///     type Request = u8;
    ///     type Response = u8;
    ///     fn execute(&self, _: &Tx<'_>, request: &u8) -> Result<u8, Abort<u8>> { Ok(*request) }
    /// }
    /// assert_eq!(Service::new(Heap::new(), Echo).call(&5), Ok(5));
    /// ```
    #[must_use]
    pub fn new(heap: Heap, program: impl Program<Request = Q, Response = A>) -> Self {
        Self { heap, terms: Arc::new(Terms::new(Arc::new(program))) }
    }

    /// The heap.
    #[must_use]
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// How many programs are kept: one, and those that transactions in flight, or a roll back,
    /// may need.
    #[must_use]
    pub fn programs(&self) -> usize {
        self.tidy();
        self.terms.len()
    }

    /// Answers a request, in one transaction, on the program of that transaction's era.
    ///
    /// # Retry safety
    ///
    /// The program may be executed several times; only the last execution counts.
    ///
    /// # Upgrade safety
    ///
    /// A request in flight ends on the program with which it began; if it can't, it is executed
    /// again, on the new one. It never sees two versions.
    ///
    /// # Errors
    ///
    /// See [`TxError`]. A cancelled transaction is no error here: its response is given.
    #[inline]
    pub fn call(&self, request: &Q) -> Result<A, TxError> {
        self.answer(request, None)
    }

    /// [`call`](Self::call) that gives up when it has not committed after this time.
    ///
    /// # Errors
    ///
    /// As there, and [`TxError::TimedOut`].
    pub fn call_timeout(&self, request: &Q, timeout: Duration) -> Result<A, TxError> {
        self.answer(request, Some(timeout))
    }

    fn answer(&self, request: &Q, timeout: Option<Duration>) -> Result<A, TxError> {
        self.tidy();
        loop {
            let mut era = Era::FIRST;
            let queried = self.heap.snapshot(|snapshot| {
                era = snapshot.at().era();
                self.terms.with(era, |program| program.query(snapshot, request)).flatten()
            });
            let outcome = match queried {
                Some(outcome) => outcome.map_err(|error| self.heap.ended(TxError::Access(error))),
                None => self.update(request, timeout, &mut era),
            };
            match outcome {
                // It is of a version that nobody wants any more: again, on the present one.
                Err(TxError::Access(AccessError::Untransformed(_)))
                    if self.heap.now().era() > era => {}
                outcome => return outcome,
            }
        }
    }

    fn update(&self, request: &Q, timeout: Option<Duration>, era: &mut Era) -> Result<A, TxError> {
        let mut transaction = self.heap.transaction();
        if let Some(timeout) = timeout {
            transaction = transaction.timeout(timeout);
        }
        let outcome = transaction.run(|tx| {
            *era = Read::at(tx).era();
            let answer = self.terms.with(*era, |program| program.execute(tx, request));
            // There is one for every transaction that is under way.
            answer.unwrap_or_else(|| Err(Abort::Interrupt(AccessError::Unborn.into())))
        });
        match outcome {
            Ok(committed) => Ok(committed.value),
            Err(TxError::Cancelled(response)) => Ok(response),
            Err(error) => Err(error.without_value()),
        }
    }

    /// Upgrades the heap and the program, in one step.
    ///
    /// A plan that migrates nothing changes the program only.
    ///
    /// # Upgrade safety
    ///
    /// From the flip on, every request that begins is answered by the new program. Rolling the
    /// upgrade back brings the old program back, too.
    ///
    /// # Errors
    ///
    /// As [`Heap::upgrade`].
    pub fn upgrade(
        &self,
        plan: Upgrade,
        program: impl Program<Request = Q, Response = A>,
    ) -> Result<RunningUpgrade, UpgradeError> {
        self.tidy();
        let terms = Arc::clone(&self.terms);
        let new: Arc<Code<Q, A>> = Arc::new(program);
        let old = crate::sync::Mutex::new(None);
        self.heap.upgrade(plan.hook(Box::new(move |turn| {
            // At the flip forward the newest program is the one that it replaces.
            let mut old = old.lock();
            if let Some(old) = old.get_or_insert_with(|| terms.newest()) {
                terms.follow(turn, old, &new);
            }
        })))
    }

    #[inline]
    fn tidy(&self) {
        let domain = &self.heap.inner.domain;
        self.terms.tidy(|over| !domain.has_snapshots(CommitTs::ZERO, over));
    }
}
