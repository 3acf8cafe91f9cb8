//! Showing a layer the versions that were written before the floor.

use std::fmt;

use super::frame::Frame;
use super::slab::Numbered;
use super::slot::NodeRef;
use super::value;
use crate::clock::CommitTs;
use crate::domain::Inner;
use crate::error::AccessError;
use crate::handle::Handle;
use crate::kind::Kind;
use crate::layer::{Layer, NotNewest, Touched, Version};
use crate::reclaim::collector::Guard;
use crate::sync::Ordering;

/// So often a transaction looks again at one object; more often means that the layer says it has
/// changed what it has not.
const LOOKS: u32 = 1_000;

/// A version written before the floor, at the moment when a transaction is about to see it.
///
/// ```
/// use upgradable_stm::layer::{Layer, Touch, Touched};
/// use upgradable_stm::{CommitTs, Domain, Seq};
///
/// /// Turns numbers into texts, lazily: every number of the first era that is touched later.
/// #[derive(Debug)]
/// struct Texts;
///
/// impl Layer for Texts {
///     fn touch(&self, touch: &Touch<'_>) -> Touched {
///         let flip = CommitTs::new(touch.at().era(), Seq::ZERO);
///         match touch.value::<u32>() {
///             Some(number) if touch.version().stamp < flip => {
///                 // Whether this one or somebody else's was installed, there is a text now.
///                 let _ = touch.install(flip, number.to_string());
///                 Touched::Again
///             }
///             _ => Touched::AsIs,
///         }
///     }
/// }
///
/// let domain = Domain::builder().layer(Texts).build().unwrap();
/// let name = domain.atomically(|tx| Ok(tx.create(7_u32)));
/// domain.advance_era(|era| domain.set_floor(CommitTs::new(era, Seq::ZERO))).unwrap();
/// assert_eq!(domain.snapshot(|s| s.get::<String>(name).cloned()).unwrap(), "7");
/// ```
pub struct Touch<'t> {
    frame: &'t Frame<'t>,
    handle: Handle,
    seen: NodeRef<'t>,
    /// From before the version was found.
    _pin: Guard,
}

impl fmt::Debug for Touch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Touch").field("version", &self.version()).finish_non_exhaustive()
    }
}

impl Touch<'_> {
    /// The object.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Version {
        Version { kind: self.seen.kind(), stamp: self.seen.stamp() }
    }

    /// The snapshot of the transaction that is about to see it.
    #[must_use]
    pub fn at(&self) -> CommitTs {
        self.frame.at()
    }

    /// Its value, if that is a `T`.
    #[must_use]
    pub fn value<T: Send + Sync + 'static>(&self) -> Option<&T> {
        if self.seen.kind() != Kind::of::<T>() {
            return None;
        }
        // SAFETY: the kind says that the value is a `T`; the version was in its chain after the
        // pin, so it is not reclaimed before the unpin, at the end of `self`.
        Some(unsafe { value::get(self.seen.ptr()) })
    }

    /// Puts a version at the past instant `at` over it.
    ///
    /// # Errors
    ///
    /// [`NotNewest`] when something else lies over it by now, or `at` is before it, or after the
    /// transaction's snapshot.
    pub fn install<T: Send + Sync + 'static>(
        &self,
        at: CommitTs,
        value: T,
    ) -> Result<(), NotNewest<T>> {
        self.frame.install_past(self.handle, self.seen.stamp(), at, value)
    }
}

impl<'d> Frame<'d> {
    /// Shows the layer what the snapshot sees of an object, as long as that is below the floor and
    /// the layer changes it.
    #[inline(always)]
    pub(crate) fn touch(&self, slot: Numbered, handle: Handle) -> Result<(), AccessError> {
        // Relaxed: a floor that concerns this snapshot was set before the clock was advanced to it.
        let floor = CommitTs::from_bits(self.inner().floor.load(Ordering::Relaxed));
        if floor == CommitTs::ZERO || self.find(slot)?.stamp() >= floor {
            return Ok(());
        }
        self.touch_below(slot, handle, floor)
    }

    #[cold]
    fn touch_below(
        &self,
        slot: Numbered,
        handle: Handle,
        floor: CommitTs,
    ) -> Result<(), AccessError> {
        let inner: &Inner = self.inner();
        let Some(layer) = &inner.layer else { return Ok(()) };
        for _ in 0..LOOKS {
            let pin = self.context().pin();
            let seen = self.find(slot)?;
            if seen.stamp() >= floor || seen.kind() == Kind::NONE {
                break;
            }
            let layer: &dyn Layer = &**layer;
            if layer.touch(&Touch { frame: self, handle, seen, _pin: pin }) == Touched::AsIs {
                break;
            }
        }
        Ok(())
    }
}
