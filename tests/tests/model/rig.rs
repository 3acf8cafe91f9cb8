//! The memory and its model side by side.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use upgradable_stm::{AccessError, Domain, Handle, HeldSnapshot, Kind, Snapshot, TVar, Tx};

use super::census::{Census, Large, Small, Value};
use super::ops::{Op, Size};

/// Everything at one instant: what each variable and each object holds.
///
/// Variables that were not written yet are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) vars: BTreeMap<usize, u64>,
    pub(crate) objects: BTreeMap<Handle, (Size, u64)>,
}

/// A variable of either type.
#[derive(Clone, Debug)]
pub(crate) enum Var {
    Small(TVar<Small>),
    Large(TVar<Large>),
}

/// A handle of a variable, and the number of the variable.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) id: usize,
    pub(crate) var: Var,
}

/// A value of whichever type.
pub(crate) fn any<V: Value>(value: &V) -> &dyn Value {
    value
}

pub(crate) fn kind(size: Size) -> Kind {
    match size {
        Size::Small => Kind::of::<Small>(),
        Size::Large => Kind::of::<Large>(),
    }
}

impl Var {
    fn look<'s>(&self, s: &'s Snapshot<'_>) -> &'s dyn Value {
        match self {
            Self::Small(var) => any(s.read(var)),
            Self::Large(var) => any(s.read(var)),
        }
    }

    pub(crate) fn read<'t>(&self, tx: &'t Tx<'_>) -> &'t dyn Value {
        match self {
            Self::Small(var) => any(tx.read(var)),
            Self::Large(var) => any(tx.read(var)),
        }
    }

    pub(crate) fn write(&self, tx: &Tx<'_>, number: u64, census: &Arc<Census>) {
        match self {
            Self::Small(var) => tx.write(var, Small::new(number, census)),
            Self::Large(var) => tx.write(var, Large::new(number, census)),
        }
    }

    pub(crate) fn replace<'t>(
        &self,
        tx: &'t Tx<'_>,
        number: u64,
        census: &Arc<Census>,
    ) -> &'t dyn Value {
        match self {
            Self::Small(var) => any(tx.replace(var, Small::new(number, census))),
            Self::Large(var) => any(tx.replace(var, Large::new(number, census))),
        }
    }

    /// Changes it in place, and returns what was there.
    pub(crate) fn modify(&self, tx: &Tx<'_>, number: u64, census: &Arc<Census>) -> u64 {
        match self {
            Self::Small(var) => tx
                .modify(var, |value| std::mem::replace(value, Small::new(number, census)).number()),
            Self::Large(var) => tx
                .modify(var, |value| std::mem::replace(value, Large::new(number, census)).number()),
        }
    }

    /// Changes it by a closure that panics.
    pub(crate) fn modify_and_panic(&self, tx: &Tx<'_>) {
        let panic = || std::panic::resume_unwind(Box::new("on purpose"));
        match self {
            Self::Small(var) => tx.modify(var, |_| panic()),
            Self::Large(var) => tx.modify(var, |_| panic()),
        }
    }

    fn versions(&self, domain: &Domain) -> usize {
        match self {
            Self::Small(var) => domain.versions(var),
            Self::Large(var) => domain.versions(var),
        }
    }
}

/// What can change from within a transaction, too.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) domain: Domain,
    pub(crate) census: Arc<Census>,
    /// Held snapshots, and the state that each shows.
    held: RefCell<Vec<(HeldSnapshot, Rc<State>)>>,
    /// The committed state.
    pub(crate) now: Rc<State>,
    next_number: std::cell::Cell<u64>,
}

impl Shared {
    pub(crate) fn fresh(&self) -> u64 {
        self.next_number.set(self.next_number.get() + 1);
        self.next_number.get()
    }

    pub(crate) fn hold(&self) {
        self.held.borrow_mut().push((self.domain.hold(), Rc::clone(&self.now)));
    }

    pub(crate) fn advance_era(&self, keep: bool) {
        let era = self.domain.now().era();
        let advance = self.domain.advance_era(|_| {}).expect("there are eras enough");
        assert_eq!(Some(advance.flip.era()), era.next());
        assert_eq!(self.domain.now(), advance.flip);
        assert!(advance.before.at() < advance.flip);
        if keep {
            self.held.borrow_mut().push((advance.before, Rc::clone(&self.now)));
        }
    }
}

#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) shared: Shared,
    pub(crate) vars: Vec<Named>,
    /// What each variable ever made held at first.
    pub(crate) first: Vec<u64>,
    /// Every handle ever given out.
    pub(crate) handles: Vec<Handle>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let shared = Shared {
            domain: Domain::new(),
            census: Arc::default(),
            held: RefCell::default(),
            now: Rc::default(),
            next_number: std::cell::Cell::default(),
        };
        Self { shared, vars: Vec::new(), first: Vec::new(), handles: Vec::new() }
    }

    pub(crate) fn run(&mut self, op: &Op) {
        let shared = &self.shared;
        match op {
            Op::CreateVar(size) => {
                let (number, census) = (shared.fresh(), &shared.census);
                let var = match size {
                    Size::Small => Var::Small(shared.domain.tvar(Small::new(number, census))),
                    Size::Large => Var::Large(shared.domain.tvar(Large::new(number, census))),
                };
                self.vars.push(Named { id: self.first.len(), var });
                self.first.push(number);
            }
            Op::CloneVar(at) => self.vars.extend(nth(*at, &self.vars).cloned()),
            Op::DropVar(at) => {
                if let Some(at) = position(*at, self.vars.len()) {
                    self.vars.swap_remove(at);
                }
            }
            Op::Transaction(steps, end) => self.transaction(steps, *end),
            Op::Hold => shared.hold(),
            Op::DropHeld(at) => {
                let mut held = shared.held.borrow_mut();
                if let Some(at) = position(*at, held.len()) {
                    held.swap_remove(at);
                }
            }
            Op::Reclaim => {
                shared.domain.reclaim();
                self.check_reclaimed();
            }
            Op::AdvanceEra(keep) => shared.advance_era(*keep),
        }
    }

    /// What a variable holds in a state.
    pub(crate) fn number_of(&self, state: &State, id: usize) -> u64 {
        state.vars.get(&id).copied().unwrap_or(self.first[id])
    }

    /// Every held snapshot shows its state, and the present the newest.
    pub(crate) fn check(&self) {
        let held = self.shared.held.borrow();
        for (snapshot, state) in &*held {
            snapshot.read(|s| {
                assert_eq!(s.at(), snapshot.at());
                self.check_snapshot(s, state);
            });
        }
        self.shared.domain.snapshot(|s| self.check_snapshot(s, &self.shared.now));
        let stats = self.shared.domain.stats();
        assert_eq!((stats.live_snapshots, stats.drop_panics), (held.len() as u64, 0));
        assert_eq!(self.shared.census.dropped_again(), 0);
    }

    pub(crate) fn check_snapshot(&self, s: &Snapshot<'_>, state: &State) {
        for Named { id, var } in &self.vars {
            assert_eq!(var.look(s).number(), self.number_of(state, *id), "variable {id}");
        }
        let alive: BTreeSet<_> = s.handles().collect();
        assert!(alive.iter().eq(state.objects.keys()), "{alive:?} in {state:?}");
        for &handle in &self.handles {
            let small = s.get::<Small>(handle).map(any);
            let large = s.get::<Large>(handle).map(any);
            check_access(small, Size::Small, state.objects.get(&handle));
            check_access(large, Size::Large, state.objects.get(&handle));
            let kind_found = s.version(handle).map(|version| version.kind).ok();
            assert_eq!(kind_found, state.objects.get(&handle).map(|object| kind(object.0)));
        }
    }

    /// After a reclamation there is what somebody sees, and nothing else.
    fn check_reclaimed(&self) {
        let held = self.shared.held.borrow();
        let states = || held.iter().map(|(_, state)| &**state).chain([&*self.shared.now]);
        for Named { id, var } in &self.vars {
            let seen: BTreeSet<_> = states().map(|state| self.number_of(state, *id)).collect();
            let versions = var.versions(&self.shared.domain);
            assert!(versions <= held.len() + 1, "{versions} versions of variable {id}");
            assert_eq!(versions, seen.len(), "versions of variable {id}, seen: {seen:?}");
        }
        if held.is_empty() {
            let vars: BTreeSet<_> = self.vars.iter().map(|named| named.id).collect();
            let expected = vars.len() + self.shared.now.objects.len();
            assert_eq!(self.shared.census.alive(), expected, "values that nobody sees");
        }
    }

    /// Drops everything, in an order that `last` chooses: each value must have been dropped once.
    pub(crate) fn end(self, last: u8) {
        let Self { shared, vars, .. } = self;
        let Shared { domain, census, held, .. } = shared;
        match last % 6 {
            0 => drop((domain, held, vars)),
            1 => drop((domain, vars, held)),
            2 => drop((held, domain, vars)),
            3 => drop((held, vars, domain)),
            4 => drop((vars, domain, held)),
            _ => drop((vars, held, domain)),
        }
        assert_eq!((census.alive(), census.dropped_again()), (0, 0));
    }
}

/// What was found under a handle must be what the model has there.
pub(crate) fn check_access(
    found: Result<&dyn Value, AccessError>,
    asked: Size,
    expected: Option<&(Size, u64)>,
) {
    match (found, expected) {
        (Ok(value), Some(&(size, number))) => {
            assert_eq!((asked, value.number()), (size, number));
        }
        (Err(AccessError::WrongKind { .. }), Some(&(size, _))) => assert_ne!(asked, size),
        (Err(AccessError::Deleted | AccessError::Unborn), None) => {}
        (Ok(value), None) => panic!("{} under a handle of nothing", value.number()),
        (Err(error), _) => panic!("{error}; expected {expected:?}"),
    }
}

pub(crate) fn position(at: u8, len: usize) -> Option<usize> {
    (len > 0).then(|| usize::from(at) % len)
}

pub(crate) fn nth<T>(at: u8, items: &[T]) -> Option<&T> {
    Some(&items[position(at, items.len())?])
}
