//! What an upgrade is to do, and whether it can be done.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use upgradable_stm::Kind;

use super::error::PlanError;
use super::event::{Observer, UpgradeEvent};
use super::policy::{Background, Mode, OnFailure};
use crate::heap::types::Types;
use crate::lineage::{Predecessor, Registry, RegistryError, TypeVersion, Upgradable};
use crate::migration::conversion::Conversion;
use crate::migration::record::{FlipHook, Migration, Parts};
use crate::transformer::UpgradeFrom;

/// A plan: which types go to which version, and what happens on the way.
///
/// ```
/// use upgradable::{Heap, OnFailure, Upgrade, Upgradable};
///
/// mod v1 {
///     #[derive(upgradable::Upgradable, Clone)]
///     #[upgrade(name = "shop.Item")]
///     pub struct Item { pub cents: u32 }
/// }
/// #[derive(Upgradable, Clone)]
/// #[upgrade(version = 2, from = v1::Item)]
/// struct Item { cents: u64 }
///
/// let plan = Upgrade::to("2.0").migrate::<v1::Item, Item>().on_failure(OnFailure::RollBack);
/// assert_eq!(plan.can_go_back(), Ok(()));
///
/// let heap = Heap::new();
/// let item = heap.atomically(|tx| Ok(tx.create(v1::Item { cents: 5 })?))?;
/// let running = heap.upgrade(plan)?;
/// assert_eq!(heap.snapshot(|s| s.read(item.cast::<Item>()).map(|item| item.cents))?, 5);
/// running.wait()?;
/// running.promote()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a plan does nothing until `Heap::upgrade` carries it out"]
pub struct Upgrade {
    name: Arc<str>,
    moves: Vec<Move>,
    on_failure: OnFailure,
    pub(super) background: Background,
    pub(super) mode: Mode,
    time_limit: Option<Duration>,
    reversible: bool,
    observer: Observer,
    hooks: Vec<FlipHook>,
}

/// One lineage's step.
struct Move {
    conversion: Conversion,
    /// The version that the new type names as its predecessor.
    expected: Option<TypeVersion>,
    /// Tries whether the types go with those that are known.
    register: fn(&mut Registry) -> Result<(), RegistryError>,
    learn: fn(&Types) -> Result<(), RegistryError>,
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions = self.moves.iter().map(|step| step.conversion.versions);
        f.debug_struct("Upgrade")
            .field("name", &self.name)
            .field("steps", &versions.collect::<Vec<_>>())
            .field("on_failure", &self.on_failure)
            .field("mode", &self.mode)
            .field("background", &self.background)
            .finish_non_exhaustive()
    }
}

impl Upgrade {
    /// A plan for the program version of this name, that changes nothing yet.
    ///
    /// ```
    /// let plan = upgradable::Upgrade::to("2.0");
    /// # let _ = plan;
    /// ```
    pub fn to(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            moves: Vec::new(),
            on_failure: OnFailure::default(),
            background: Background::default(),
            mode: Mode::default(),
            time_limit: None,
            reversible: false,
            observer: Observer::default(),
            hooks: Vec::new(),
        }
    }

    /// Objects of type `Old` become objects of type `New`.
    ///
    /// ```
    /// # use upgradable::{Upgrade, Upgradable};
    /// # mod v1 {
    /// #     #[derive(upgradable::Upgradable, Clone)] #[upgrade(name = "doc.Tag")]
    /// #     pub struct Tag(pub u8);
    /// # }
    /// #[derive(Upgradable, Clone)]
    /// #[upgrade(version = 2, from = v1::Tag)]
    /// struct Tag(u16);
    /// let plan = Upgrade::to("2").migrate::<v1::Tag, Tag>();
    /// # let _ = (plan, |t: Tag| t.0);
    /// ```
    pub fn migrate<Old: Upgradable, New: Upgradable + UpgradeFrom<Old>>(mut self) -> Self {
        self.moves.push(Move {
            conversion: Conversion::between::<Old, New>(),
            expected: <New::Prev as Predecessor<New>>::VERSION,
            register: |registry| {
                registry.register::<Old>()?;
                registry.register::<New>()
            },
            learn: |types| {
                types.learn::<Old>(Kind::of::<Old>())?;
                types.learn::<New>(Kind::of::<New>())
            },
        });
        self
    }

    /// The null update: objects of type `T` are written anew, as they are.
    ///
    /// ```
    /// # use upgradable::{Upgrade, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let plan = Upgrade::to("again").refresh::<Tag>();
    /// # let _ = plan;
    /// ```
    pub fn refresh<T: Upgradable>(mut self) -> Self {
        self.moves.push(Move {
            conversion: Conversion::null::<T>(),
            expected: Some(TypeVersion::of::<T>()),
            register: Registry::register::<T>,
            learn: |types| types.learn::<T>(Kind::of::<T>()),
        });
        self
    }

    /// What happens when an object can't be transformed. [`OnFailure::Fail`] by default.
    ///
    /// ```
    /// # use upgradable::{OnFailure, Upgrade};
    /// let plan = Upgrade::to("2").on_failure(OnFailure::Quarantine);
    /// # let _ = plan;
    /// ```
    pub fn on_failure(mut self, policy: OnFailure) -> Self {
        self.on_failure = policy;
        self
    }

    /// How objects that nobody touches are transformed. By a thread, at its default pace, if
    /// nothing else is said.
    ///
    /// ```
    /// # use upgradable::{Background, Upgrade};
    /// let plan = Upgrade::to("2").background(Background::Off);
    /// # let _ = plan;
    /// ```
    pub fn background(mut self, background: Background) -> Self {
        self.background = background;
        self
    }

    /// A transformer that takes longer than this has failed.
    ///
    /// Transformers then run on threads of their own, which costs some microseconds for each
    /// object. One that does not come back keeps its thread, and memory from being reclaimed; whoever
    /// touches its object again waits for it once more, for as long. If it comes back when nobody
    /// waits, what it brings is thrown away.
    /// When 16 transformers hang no others are begun, and touches get
    /// [`TooManyHanging`](crate::TransformErrorKind::TooManyHanging) until one comes back.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use upgradable::Upgrade;
    /// let plan = Upgrade::to("2").time_limit(Duration::from_secs(1));
    /// # let _ = plan;
    /// ```
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Transforms everything at once, by so many threads, while transactions wait: the baseline
    /// that lazy migration is measured against.
    ///
    /// ```
    /// # use upgradable::Upgrade;
    /// let plan = Upgrade::to("2").eager(1);
    /// # let _ = plan;
    /// ```
    pub fn eager(mut self, threads: usize) -> Self {
        self.mode = Mode::Eager(threads.max(1));
        self
    }

    /// Refuses the plan if the upgrade can't be rolled back.
    ///
    /// ```
    /// # use upgradable::Upgrade;
    /// let plan = Upgrade::to("2").reversible();
    /// # let _ = plan;
    /// ```
    pub fn reversible(mut self) -> Self {
        self.reversible = true;
        self
    }

    /// Calls `observer` at every [`UpgradeEvent`] of this upgrade, on the thread that causes it, in
    /// the midst of what it does: that waits until the observer comes back, and a panic in it is
    /// caught.
    ///
    /// It may look at the heap. Whether it can change objects depends on where it is called, as an
    /// object's failure is told inside the transaction that touched it
    /// ([`TxError::Nested`](crate::TxError::Nested)). Upgrades can't be begun, ended or waited for
    /// there: that is told by errors called `InTransaction`.
    ///
    /// ```
    /// # use upgradable::Upgrade;
    /// let plan = Upgrade::to("2").on_event(|event| println!("{event:?}"));
    /// # let _ = plan;
    /// ```
    pub fn on_event(mut self, observer: impl Fn(&UpgradeEvent) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(observer);
        self
    }

    pub(crate) fn hook(mut self, hook: FlipHook) -> Self {
        self.hooks.push(hook);
        self
    }

    /// Whether the upgrade can be rolled back, whatever is written after it.
    ///
    /// # Errors
    ///
    /// [`PlanError::Irreversible`] with the first thing that is in the way.
    ///
    /// ```
    /// # use upgradable::{PlanError, Upgrade, Upgradable};
    /// # mod v1 {
    /// #     #[derive(upgradable::Upgradable, Clone)] #[upgrade(name = "doc.Tag")]
    /// #     pub struct Tag { pub id: u8, pub code: u8 }
    /// # }
    /// #[derive(Upgradable, Clone)]
    /// #[upgrade(version = 2, from = v1::Tag, removed(code))]
    /// struct Tag { id: u8 }
    /// let refused = Upgrade::to("2").migrate::<v1::Tag, Tag>().can_go_back();
    /// let Err(PlanError::Irreversible { why, .. }) = refused else { panic!("{refused:?}") };
    /// assert!(why.contains("created since"));
    /// # let _ = |t: Tag| t.id;
    /// ```
    #[allow(clippy::result_large_err, reason = "asked once for an upgrade")]
    pub fn can_go_back(&self) -> Result<(), PlanError> {
        for step in &self.moves {
            let facts = step.conversion.facts;
            let why = match (facts.why_one_way(), facts.one_way_at()) {
                (Some(why), Some(at)) => format!("{why} (at `{at}`)"),
                (Some(why), None) => why.to_owned(),
                (None, _) if facts.needs_old() => {
                    "objects created since the flip have no value for what was removed: give \
                     one, as in `removed(field = value)`"
                        .to_owned()
                }
                (None, _) => continue,
            };
            let (from, to) = step.conversion.versions;
            return Err(PlanError::Irreversible { from, to, why: why.into() });
        }
        Ok(())
    }

    /// All faults of the plan for a heap with these types.
    fn faults(&self, types: &Types) -> Vec<PlanError> {
        let mut faults = Vec::new();
        if self.moves.is_empty() && self.hooks.is_empty() {
            faults.push(PlanError::Empty);
        }
        let mut seen = Vec::new();
        let mut registry = types.registry();
        for step in &self.moves {
            let (from, to) = step.conversion.versions;
            if seen.contains(&from.lineage()) {
                faults.push(PlanError::Duplicate { lineage: from.lineage() });
                continue;
            }
            seen.push(from.lineage());
            if step.expected != Some(from) {
                let expected = step.expected;
                faults.push(PlanError::WrongPredecessor { from, to, expected });
            }
            faults.extend((step.register)(&mut registry).err().map(PlanError::Registry));
            if let Some((kind, current)) = types.current(from.lineage())
                && kind != step.conversion.from
            {
                faults.push(if current.number() < from.number() {
                    PlanError::MissingStep { current, from }
                } else {
                    PlanError::Unreachable { current, from }
                });
            }
        }
        if self.reversible || self.on_failure == OnFailure::RollBack {
            faults.extend(self.can_go_back().err());
        }
        faults
    }

    /// The plan as a migration of a heap with these types.
    ///
    /// # Errors
    ///
    /// All faults that were found.
    pub(crate) fn check(self, types: &Types) -> Result<Migration, Vec<PlanError>> {
        let mut faults = self.faults(types);
        if faults.is_empty() {
            // Nothing is learned of a plan that is refused.
            let learned = self.moves.iter().map(|step| (step.learn)(types));
            faults.extend(learned.filter_map(Result::err).map(PlanError::Registry));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let irreversible = match self.can_go_back() {
            Err(PlanError::Irreversible { why, .. }) => Some(why),
            _ => None,
        };
        Ok(Migration::new(Parts {
            name: self.name,
            undoes: None,
            conversions: self.moves.iter().map(|step| step.conversion).collect(),
            known: types.current_kinds(),
            on_failure: self.on_failure,
            time_limit: self.time_limit,
            irreversible,
            observer: self.observer,
            hooks: self.hooks.into(),
        }))
    }
}
