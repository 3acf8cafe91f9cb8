//! The objects that a run works on, and how they are read.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use upgradable_stm::{
    AccessError, CommitTs, Domain, Handle, HeldSnapshot, Seq, Snapshot, TVar, Tx,
};
use upgradable_tests::history::record::{Recorder, ThreadLog};
use upgradable_tests::history::{History, INITIAL, ObjectId};
use upgradable_tests::random::Random;

use super::Eras;

/// What is left in a value that was dropped; nobody ever writes it.
const DROPPED: u64 = u64::MAX;

/// A number of the history. Who reads it after it was dropped reads what nobody wrote.
#[derive(Debug)]
pub(crate) struct Value(AtomicU64);

impl Value {
    pub(crate) fn new(number: u64) -> Self {
        Self(AtomicU64::new(number))
    }

    pub(crate) fn number(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        Self::new(self.number())
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.0.store(DROPPED, Ordering::Relaxed);
    }
}

/// The value of an object with a handle; of another type than that of variables, so that a layer
/// can tell them apart.
#[derive(Clone, Debug)]
pub(crate) struct Item(pub(crate) Value);

/// The value of an object that names another one, which is deleted and created anew again and again.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) value: Value,
    pub(crate) handle: Handle,
    pub(crate) object: ObjectId,
}

/// How many objects of each sort there are, and how often what happens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    eras: Eras,
    variables: u32,
    items: u32,
    names: u32,
    /// An era advances once in so many executions.
    pub(crate) era_length: u32,
}

impl Shape {
    /// Two to seven objects, and as many more as have names.
    pub(crate) fn new(eras: Eras, transactions: u64, round: u64, random: &mut Random) -> Self {
        // A name without its object shows at once that something is wrong; what is wrong the
        // checker has to say in rounds without names.
        let names = if round % 2 == 1 { 1 + random.below(2) } else { 0 };
        let items = random.below(3) + u32::from(names == 0);
        let variables = 1 + random.below(3);
        // A domain has four thousand eras.
        let era_length = u32::try_from(transactions / 2_000).unwrap_or(u32::MAX).max(40);
        Self { eras, variables, items, names, era_length }
    }
}

/// One of the objects that are always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Variable(usize),
    Item(usize),
    Name(usize),
}

/// A held snapshot, and the log of what was read from it.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) snapshot: HeldSnapshot,
    pub(crate) log: ThreadLog,
}

impl Held {
    pub(crate) fn end(mut self) {
        self.log.commit_read_only(self.snapshot.at().to_bits());
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) domain: Domain,
    pub(crate) recorder: Recorder,
    pub(crate) shape: Shape,
    variables: Vec<TVar<Value>>,
    items: Vec<Handle>,
    names: Vec<Handle>,
    next_object: AtomicU32,
    eras: AtomicU32,
    /// Held by nobody in particular.
    pub(crate) held: Mutex<Vec<Held>>,
    /// The last instant of an era from which somebody may be late.
    kept: Mutex<Option<HeldSnapshot>>,
}

/// What can be read: a snapshot, or an update transaction.
pub(crate) trait View {
    fn at(&self) -> CommitTs;
    fn variable(&self, variable: &TVar<Value>) -> &Value;
    fn object<T: Send + Sync + 'static>(&self, handle: Handle) -> Result<&T, AccessError>;
}

impl View for Tx<'_> {
    fn at(&self) -> CommitTs {
        Tx::at(self)
    }

    fn variable(&self, variable: &TVar<Value>) -> &Value {
        self.read(variable)
    }

    fn object<T: Send + Sync + 'static>(&self, handle: Handle) -> Result<&T, AccessError> {
        self.get(handle)
    }
}

impl View for Snapshot<'_> {
    fn at(&self) -> CommitTs {
        Snapshot::at(self)
    }

    fn variable(&self, variable: &TVar<Value>) -> &Value {
        self.read(variable)
    }

    fn object<T: Send + Sync + 'static>(&self, handle: Handle) -> Result<&T, AccessError> {
        self.get(handle)
    }
}

impl World {
    pub(crate) fn new(domain: Domain, shape: Shape) -> Self {
        let Shape { variables, items, names, .. } = shape;
        let fixed = variables + items + names;
        let variables = (0..variables).map(|_| domain.tvar(Value::new(INITIAL))).collect();
        let (items, names) = domain.atomically(|tx| {
            let items = (0..items).map(|_| tx.create(Item(Value::new(INITIAL)))).collect();
            let names = (fixed..fixed + names).map(|object| {
                let handle = tx.create(Item(Value::new(INITIAL)));
                tx.create(Name { value: Value::new(INITIAL), handle, object })
            });
            Ok((items, names.collect()))
        });
        Self {
            domain,
            recorder: Recorder::new(),
            shape,
            variables,
            items,
            names,
            next_object: AtomicU32::new(2 * fixed),
            eras: AtomicU32::new(0),
            held: Mutex::default(),
            kept: Mutex::default(),
        }
    }

    /// What was recorded, how many executions were lost to conflicts, and how often an era advanced.
    pub(crate) fn end(self) -> (History, u64, u64) {
        for mut held in std::mem::take(&mut *self.held.lock().unwrap()) {
            let Held { snapshot, log } = &mut held;
            snapshot.read(|s| self.places().for_each(|place| self.read(s, log, place)));
            held.end();
        }
        let eras = u64::from(self.eras.load(Ordering::Relaxed));
        (self.recorder.history(), self.domain.stats().conflicts(), eras)
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        let variables = (0..self.variables.len()).map(Place::Variable);
        let items = (0..self.items.len()).map(Place::Item);
        variables.chain(items).chain((0..self.names.len()).map(Place::Name))
    }

    pub(crate) fn any_place(&self, random: &mut Random) -> Place {
        let count = self.variables.len() + self.items.len() + self.names.len();
        self.places().nth(random.below(count as u32) as usize).expect("it is below the count")
    }

    pub(crate) fn any_name(&self, random: &mut Random) -> Option<Place> {
        let count = self.names.len() as u32;
        (count > 0).then(|| Place::Name(random.below(count) as usize))
    }

    pub(crate) fn variable(&self, index: usize) -> &TVar<Value> {
        &self.variables[index]
    }

    pub(crate) fn handle(&self, place: Place) -> Handle {
        match place {
            Place::Variable(_) => unreachable!("variables have no handles"),
            Place::Item(index) => self.items[index],
            Place::Name(index) => self.names[index],
        }
    }

    /// The number of the object in the history.
    pub(crate) fn object(&self, place: Place) -> ObjectId {
        let index = match place {
            Place::Variable(index) => index,
            Place::Item(index) => self.variables.len() + index,
            Place::Name(index) => self.variables.len() + self.items.len() + index,
        };
        index as ObjectId
    }

    /// The number of an object that is about to be created.
    pub(crate) fn new_object(&self) -> ObjectId {
        self.next_object.fetch_add(1, Ordering::Relaxed)
    }

    /// Reads the object, and the one that it names.
    pub(crate) fn read<V: View>(&self, view: &V, log: &mut ThreadLog, place: Place) {
        match place {
            Place::Variable(index) => {
                log.read(self.object(place), view.variable(self.variable(index)).number());
            }
            Place::Item(_) => self.read_item(view, log, self.object(place), self.handle(place)),
            Place::Name(_) => {
                let name = self.read_name(view, log, place);
                self.read_item(view, log, name.object, name.handle);
            }
        }
    }

    pub(crate) fn read_item<V: View>(
        &self,
        view: &V,
        log: &mut ThreadLog,
        object: ObjectId,
        handle: Handle,
    ) {
        self.touch::<Item>(handle, view.at());
        // Names and what they name change together.
        match view.object::<Item>(handle) {
            Ok(item) => log.read(object, item.0.number()),
            Err(error) => panic!("a snapshot at {} has half of a change: {error}", view.at()),
        }
    }

    pub(crate) fn read_name<V: View>(&self, view: &V, log: &mut ThreadLog, place: Place) -> Name {
        self.touch::<Name>(self.handle(place), view.at());
        let name =
            view.object::<Name>(self.handle(place)).expect("names are never deleted").clone();
        log.read(self.object(place), name.value.number());
        name
    }

    /// Says that the era of `at` has seen the object: no late commit of an era before may change it.
    ///
    /// Where late commits are admitted, that is said by a version at the flip, a copy of the newest.
    pub(crate) fn touch<T: Clone + Send + Sync + 'static>(&self, handle: Handle, at: CommitTs) {
        if self.shape.eras != Eras::AdmitLate {
            return;
        }
        let flip = CommitTs::new(at.era(), Seq::ZERO);
        loop {
            let newest = self.domain.snapshot(|s| {
                let stamp = s.version(handle)?.stamp;
                Ok::<_, AccessError>((stamp, s.get::<T>(handle)?.clone()))
            });
            // Deleted: then it was, in this era or later, by somebody who had touched it.
            let Ok((over, copy)) = newest else { return };
            if over.era() >= at.era() || self.domain.install(handle, over, flip, copy).is_ok() {
                return;
            }
        }
    }

    /// Moves to the next era, unless there is only one.
    pub(crate) fn advance_era(&self) {
        if self.shape.eras == Eras::One {
            return;
        }
        let mut log = self.recorder.thread();
        log.begin();
        let snapshot = self.domain.advance_era(|_| {}).expect("there are eras enough").before;
        let eras = self.eras.fetch_add(1, Ordering::Relaxed);
        match self.shape.eras {
            Eras::Refuse => self.held.lock().unwrap().push(Held { snapshot, log }),
            // The last instant of the era is not over as long as there may be late commits.
            Eras::One | Eras::AdmitLate => {
                log.abort();
                // Who is late may have read what is newest at that instant, as long as it is kept.
                let kept = eras.is_multiple_of(2).then_some(snapshot);
                drop(std::mem::replace(&mut *self.kept.lock().unwrap(), kept));
            }
        }
    }
}
