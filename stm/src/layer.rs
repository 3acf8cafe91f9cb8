//! What a layer above needs: a say in late commits, and news of eras.
//!
//! This crate orders by era and gives it no meaning. A layer that does (one that upgrades types
//! lazily, say) advances the era with [`Domain::advance_era`](crate::Domain::advance_era), looks
//! at [`Version`]s, puts versions at past instants with
//! [`Domain::install`](crate::Domain::install), and decides by a [`Layer`] which transactions of
//! an era that is over may still commit.

use std::fmt::Debug;

use crate::clock::{CommitTs, Era};
use crate::kind::Kind;
pub use crate::kind_map::KindMap;
pub use crate::raw::touch::Touch;

/// An object that a late commit wants to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The kind of what it writes.
    pub kind: Kind,
    /// Kind and stamp of the newest version, of whichever era; `None` for an object that the
    /// transaction creates.
    pub newest: Option<(Kind, CommitTs)>,
}

/// The layer above a domain.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering, fence};
///
/// use upgradable_stm::layer::{Layer, Touch, Touched, Written};
/// use upgradable_stm::{CommitTs, Domain, Era, Kind, Seq, Stop};
///
/// const FLIP: CommitTs = CommitTs::new(Era::FIRST.next().unwrap(), Seq::ZERO);
///
/// /// From the flip on numbers are texts: each becomes one when it is first seen after it.
/// /// Numbers that nobody has seen may still be written late.
/// #[derive(Debug, Default)]
/// struct Texts {
///     /// Whether somebody looks at the last instant before the flip.
///     looked_back: AtomicBool,
/// }
///
/// impl Layer for Texts {
///     fn touch(&self, touch: &mut Touch<'_>) -> Touched {
///         let Some(number) = touch.value::<u32>() else { return Touched::AsIs };
///         if touch.at() >= FLIP {
///             // Whether this one or somebody else's was installed, there is a text now.
///             let _ = touch.install(FLIP, number.to_string());
///             return Touched::Again;
///         }
///         if touch.at() == CommitTs::ZERO.end_of_era() {
///             self.looked_back.store(true, Ordering::Relaxed);
///             // The note before the look, and below the locks before the look at the note.
///             fence(Ordering::SeqCst);
///         }
///         Touched::AsIs
///     }
///
///     fn admits_late(&self, era: Era, written: &[Written]) -> bool {
///         fence(Ordering::SeqCst);
///         // Whoever has seen a number after the flip has put a text over it.
///         let unseen = |object: &Written| {
///             object.newest.is_some_and(|(kind, stamp)| kind.is::<u32>() && stamp < FLIP)
///         };
///         let looked_back = self.looked_back.load(Ordering::Relaxed);
///         era == Era::FIRST && !looked_back && written.iter().all(unseen)
///     }
/// }
///
/// let domain = Domain::builder().layer(Texts::default()).build().unwrap();
/// let name = domain.atomically(|tx| Ok(tx.create(1_u32)));
/// let committed = domain.transaction().run(|tx| {
///     // While the transaction is under way.
///     domain.advance_era(|_| domain.set_floor(Kind::of::<u32>(), FLIP)).unwrap();
///     tx.put(name, 2_u32).map_err(Stop::Cancel)
/// });
/// assert!(committed.unwrap().ts < FLIP);
/// assert_eq!(domain.snapshot(|s| s.get::<String>(name).cloned()).unwrap(), "2");
/// ```
pub trait Layer: Send + Sync + Debug {
    /// Whether a transaction of `era`, which is over, may commit at the last instant of it.
    ///
    /// Asked while everything written is locked. What was *read* is checked by the domain: it must
    /// be the newest version of that era or before. Where something newer has been put over it, that can
    /// be said only as long as the [last instant](crate::EraAdvance::before) of the era is held, and
    /// else the commit is refused. The default refuses always: the transaction is executed again in
    /// the new era.
    ///
    /// A late commit changes the past, so what it writes must have been seen neither in a later era
    /// nor at the [last instant](crate::EraAdvance::before) of its own: else a snapshot changes
    /// while it is read. Whoever sees an object below its floor comes by [`touch`](Self::touch)
    /// first. Variables don't: they can't be written late.
    fn admits_late(&self, era: Era, written: &[Written]) -> bool {
        let _ = (era, written);
        false
    }

    /// A transaction that was [admitted late](Self::admits_late) has ended: it has published what
    /// it wrote, or failed. It holds no locks.
    fn late_ended(&self, era: Era) {
        let _ = era;
    }

    /// A transaction at the instant `at` is about to see that an object is not there, or which
    /// objects there are. What is admitted late from now on must create none below `at`: the
    /// transaction might look again.
    ///
    /// Called before the look, while some [floor](crate::Domain::set_floor) is set. Whoever was
    /// admitted before has the objects that it creates locked, and the look waits for it; if
    /// the layer puts a full fence after its note here, and one before its look at that note in
    /// [`admits_late`](Self::admits_late), nobody falls between.
    fn looks_for_absent(&self, at: CommitTs) {
        let _ = at;
    }

    /// A transaction is about to see a version of an object that was written before the
    /// [floor](crate::Domain::set_floor) of its kind. The layer may put another one over it, by
    /// [`Touch::install`], and say so: then the transaction looks again.
    ///
    /// The version touched, and its value, stay while this runs, whoever else installs what. It is
    /// called outside of locks. Update transactions of the domain that are begun meanwhile on this
    /// thread are refused as nested. The default leaves the version as it is.
    ///
    /// # Retry safety
    ///
    /// Several transactions may touch the same version at once; one of them installs.
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        let _ = touch;
        Touched::AsIs
    }

    /// The domain is about to begin `era` because the sequence of the one before it has run out.
    /// Nothing changes but the number.
    fn era_rolls(&self, era: Era) {
        let _ = era;
    }
}

/// What became of a version that a [`Layer`] was shown.
///
/// ```
/// use upgradable_stm::layer::Touched;
/// assert_ne!(Touched::AsIs, Touched::Again);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Touched {
    /// Nothing: the transaction sees it.
    AsIs,
    /// There is another one over it: the transaction looks again.
    Again,
    /// The transaction may not see it: it gets [`AccessError::Refused`](crate::AccessError), unless
    /// there is another one over it by now; then it looks again. It may delete the object all the
    /// same.
    Refused,
}

/// What a transaction sees of an object, without its value.
///
/// ```
/// use upgradable_stm::{CommitTs, Domain, Kind};
/// let domain = Domain::new();
/// let name = domain.atomically(|tx| Ok(tx.create(1_u32)));
/// let version = domain.snapshot(|s| s.version(name)).unwrap();
/// assert_eq!(version.kind, Kind::of::<u32>());
/// assert!(version.stamp > CommitTs::ZERO);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Version {
    /// The kind of its value.
    pub kind: Kind,
    /// When it was committed.
    pub stamp: CommitTs,
}

/// A version could not be installed: the object is no longer what it was taken for. Has the value.
///
/// ```
/// use upgradable_stm::{CommitTs, Domain};
/// let domain = Domain::new();
/// let name = domain.atomically(|tx| Ok(tx.create(1_u32)));
/// let refused = domain.install(name, CommitTs::ZERO, domain.now(), 2_u32).unwrap_err();
/// assert_eq!(refused.0, 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotNewest<T>(pub T);
