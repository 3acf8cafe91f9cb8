//! Which program is in office from which era on.

use std::sync::Arc;

use upgradable_stm::{CommitTs, Era, Seq};

use crate::migration::record::Turn;
use crate::sync::{AtomicU64, Mutex, Ordering, Published};

/// The programs of a service, each with the era in which its term begins.
///
/// A term is entered before the flip that begins its era, and struck out when no transaction from
/// before the next one's can be under way. So whoever looks after beginning a transaction finds the
/// program of its era.
#[derive(Debug)]
pub(crate) struct Terms<P: ?Sized> {
    terms: Published<Vec<Term<P>>>,
    changing: Mutex<()>,
    /// What began before this instant is over for good, when its last transaction is; zero if
    /// there is nothing of the kind.
    over_before: AtomicU64,
}

#[derive(Debug)]
struct Term<P: ?Sized> {
    from: Era,
    program: Arc<P>,
}

impl<P: ?Sized> Clone for Term<P> {
    fn clone(&self) -> Self {
        Self { from: self.from, program: Arc::clone(&self.program) }
    }
}

impl<P: ?Sized> Terms<P> {
    pub(crate) fn new(first: Arc<P>) -> Self {
        let first = Term { from: Era::FIRST, program: first };
        Self {
            terms: Published::new(vec![first]),
            changing: Mutex::default(),
            over_before: AtomicU64::new(0),
        }
    }

    /// Runs `f` with the program of the era. The caller is in a transaction of the era.
    #[inline]
    pub(crate) fn with<R>(&self, era: Era, f: impl FnOnce(&P) -> R) -> Option<R> {
        let terms = self.terms.load();
        let term = terms.iter().rev().find(|term| term.from <= era)?;
        Some(f(&term.program))
    }

    /// The newest program.
    pub(crate) fn newest(&self) -> Option<Arc<P>> {
        self.terms.load().last().map(|term| Arc::clone(&term.program))
    }

    /// Follows an upgrade to `new`, or its way back to `old`.
    pub(crate) fn follow(&self, turn: Turn, old: &Arc<P>, new: &Arc<P>) {
        match turn {
            Turn::Forward(era) => self.enter(era, new),
            Turn::Back(era) => {
                self.enter(era, old);
                self.note_over(era);
            }
            Turn::Promoted(era) => self.note_over(era),
        }
    }

    fn enter(&self, from: Era, program: &Arc<P>) {
        let _changing = self.changing.lock();
        let mut terms = self.terms.load().to_vec();
        terms.push(Term { from, program: Arc::clone(program) });
        self.terms.store(terms);
    }

    fn note_over(&self, era: Era) {
        let instant = CommitTs::new(era, Seq::ZERO);
        self.over_before.fetch_max(instant.to_bits(), Ordering::Relaxed);
    }

    /// Strikes out programs whose term is over for good, if `is_quiet` says that nobody is left
    /// from before the instant.
    #[inline]
    pub(crate) fn tidy(&self, is_quiet: impl FnOnce(CommitTs) -> bool) {
        let over = self.over_before.load(Ordering::Relaxed);
        if over != 0 {
            self.strike_out(CommitTs::from_bits(over), is_quiet);
        }
    }

    #[cold]
    fn strike_out(&self, over: CommitTs, is_quiet: impl FnOnce(CommitTs) -> bool) {
        if !is_quiet(over) {
            return;
        }
        let _changing = self.changing.lock();
        let mut terms = self.terms.load().to_vec();
        let first = terms.iter().rposition(|term| term.from <= over.era()).unwrap_or(0);
        terms.drain(..first);
        self.terms.store(terms);
        // Unless something else has been noted since.
        let _ = self.over_before.compare_exchange(
            over.to_bits(),
            0,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// How many programs are kept.
    pub(crate) fn len(&self) -> usize {
        self.terms.load().len()
    }
}
