//! Making a domain.

use std::fmt;
use std::sync::Arc;

use super::floor::Floors;
use super::tag::Tag;
use super::{Domain, Inner, Observer};
use crate::clock::{CommitTs, GlobalClock};
use crate::contention::Privilege;
use crate::error::TooManyDomains;
use crate::event::Event;
use crate::layer::Layer;
use crate::raw::block::BlockPool;
use crate::raw::quiet::Chores;
use crate::raw::slab::Slab;
use crate::raw::var::Vars;
use crate::reclaim::active::Registry;
use crate::reclaim::bygone::Bygone;
use crate::reclaim::collector::Collector;
use crate::reclaim::tidy::DroppedVars;
use crate::retry::Watches;
use crate::sync::{AtomicBool, AtomicUsize, Mutex};

/// Builds a [`Domain`] that differs from the default.
///
/// ```
/// use upgradable_stm::Domain;
/// let domain = Domain::builder().statistics(true).build().unwrap();
/// assert_eq!(domain.stats().commits, 0);
/// ```
#[must_use]
pub struct DomainBuilder {
    start: CommitTs,
    layer: Option<Box<dyn Layer>>,
    observer: Option<Observer>,
    statistics: bool,
}

impl fmt::Debug for DomainBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DomainBuilder").field("start", &self.start).finish_non_exhaustive()
    }
}

impl DomainBuilder {
    pub(super) fn new() -> Self {
        Self { start: CommitTs::ZERO, layer: None, observer: None, statistics: false }
    }

    /// Where the clock starts. For a domain that continues another one's time, and for tests of
    /// the end of time.
    ///
    /// ```
    /// use upgradable_stm::{CommitTs, Domain, Era, Seq};
    /// let start = CommitTs::new(Era::new(3).unwrap(), Seq::ZERO);
    /// assert_eq!(Domain::builder().starting_at(start).build().unwrap().now(), start);
    /// ```
    pub fn starting_at(mut self, start: CommitTs) -> Self {
        self.start = start;
        self
    }

    /// The layer above. See [`layer`](crate::layer).
    ///
    /// ```
    /// # use upgradable_stm::{Domain, layer::Layer};
    /// #[derive(Debug)]
    /// struct Nothing;
    /// impl Layer for Nothing {}
    /// assert!(Domain::builder().layer(Nothing).build().is_ok());
    /// ```
    pub fn layer(mut self, layer: impl Layer + 'static) -> Self {
        self.layer = Some(Box::new(layer));
        self
    }

    /// Calls `observer` at every [`Event`], on the thread that causes it, outside of locks.
    ///
    /// It must not begin transactions of the domain, and must not panic.
    ///
    /// ```
    /// # use upgradable_stm::Domain;
    /// let domain = Domain::builder().observer(|event| println!("{event:?}")).build().unwrap();
    /// # drop(domain);
    /// ```
    pub fn observer(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Whether to count commits and snapshots, too; about half a nanosecond each. Off by default.
    ///
    /// ```
    /// # use upgradable_stm::Domain;
    /// assert!(Domain::builder().statistics(true).build().is_ok());
    /// ```
    pub fn statistics(mut self, on: bool) -> Self {
        self.statistics = on;
        self
    }

    /// Makes the domain.
    ///
    /// # Errors
    ///
    /// [`TooManyDomains`] when 4,095 domains live already.
    ///
    /// ```
    /// # use upgradable_stm::Domain;
    /// assert!(Domain::builder().build().is_ok());
    /// ```
    pub fn build(self) -> Result<Domain, TooManyDomains> {
        let (tag, number) = Tag::take().ok_or(TooManyDomains)?;
        let inner = Inner {
            number,
            clock: GlobalClock::starting_at(self.start),
            floors: Floors::default(),
            registry: Registry::default(),
            bygone: Bygone::default(),
            watches: Watches::new(),
            privilege: Privilege::new(),
            drop_panics: AtomicUsize::new(0),
            layer: self.layer,
            observer: self.observer,
            statistics: self.statistics,
            contexts: Mutex::default(),
            collector: Collector::new(),
            blocks: BlockPool::new(),
            slots: Slab::new(tag.first_generation()),
            vars: Vars::default(),
            tag,
            dropped: DroppedVars::default(),
            names: AtomicUsize::new(1),
            chores: Chores::default(),
            tidying: Mutex::default(),
            tidying_left: AtomicBool::default(),
            advancing: Mutex::default(),
        };
        Ok(Domain { inner: Arc::new(inner) })
    }
}
