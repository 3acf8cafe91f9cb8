//! What a layer puts over a version at a touch takes its slot, and the version goes into a block,
//! unless somebody may have a reference to its value. Nobody sees a difference but in memory.

use std::hint::black_box;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use upgradable_stm::layer::{Layer, Touch, Touched};
use upgradable_stm::{CommitTs, Domain, Era, Handle, HeldSnapshot, Kind, Seq};

const OBJECTS: usize = 1000;
const FLIP: CommitTs = CommitTs::new(Era::FIRST.next().unwrap(), Seq::ZERO);

/// A value that counts how many of its kind are alive.
#[derive(Debug)]
struct Counted<T> {
    value: T,
    alive: Arc<AtomicUsize>,
}

impl<T> Counted<T> {
    fn new(value: T, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self { value, alive: Arc::clone(alive) }
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

type Number = Counted<usize>;
/// As large as a number, and of another kind.
type Negative = Counted<isize>;
/// Too large for a number's slot.
type Row = Counted<[usize; 4]>;

/// From the flip on even numbers are negative, odd ones rows.
#[derive(Debug)]
struct Change;

impl Layer for Change {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        let Some(number) = touch.value::<Number>().filter(|_| touch.at() >= FLIP) else {
            return Touched::AsIs;
        };
        let (n, alive) = (number.value, Arc::clone(&number.alive));
        let _ = if n.is_multiple_of(2) {
            touch.install(FLIP, Counted::new(-(n as isize), &alive)).map_err(drop)
        } else {
            touch.install(FLIP, Counted::new([n; 4], &alive)).map_err(drop)
        };
        Touched::Again
    }
}

struct World {
    domain: Domain,
    names: Vec<Handle>,
    alive: Arc<AtomicUsize>,
}

impl World {
    fn new() -> Self {
        let domain = Domain::builder().layer(Change).build().unwrap();
        let alive = Arc::new(AtomicUsize::new(0));
        let create = |n| domain.atomically(|tx| Ok(tx.create(Counted::new(n, &alive))));
        let names = (0..OBJECTS).map(create).collect();
        Self { domain, names, alive }
    }

    fn flip(&self) -> HeldSnapshot {
        let floor = |domain: &Domain| domain.set_floor(Kind::of::<Number>(), FLIP);
        self.domain.advance_era(|_| floor(&self.domain)).unwrap().before
    }

    fn all(&self) -> Range<u32> {
        0..self.domain.slots()
    }

    fn touch_all(&self) {
        self.names.iter().for_each(|&name| self.domain.touch(name).unwrap());
    }

    fn expect_changed(&self) {
        self.domain.snapshot(|s| {
            for (n, &name) in self.names.iter().enumerate() {
                if n.is_multiple_of(2) {
                    assert_eq!(s.get::<Negative>(name).unwrap().value, -(n as isize));
                } else {
                    assert_eq!(s.get::<Row>(name).unwrap().value, [n; 4]);
                }
            }
        });
    }

    fn expect_unchanged(&self, old: &HeldSnapshot) {
        old.read(|s| {
            for (n, &name) in self.names.iter().enumerate() {
                assert_eq!(s.get::<Number>(name).unwrap().value, n);
            }
        });
    }

    /// Newest versions that could come home. Brings them.
    fn away(&self) -> usize {
        self.domain.bring_home(self.all()).expect("nobody is in the way")
    }

    fn alive(&self) -> usize {
        self.alive.load(Ordering::Relaxed)
    }
}

#[test]
fn a_successor_that_fits_takes_the_slot() {
    let world = World::new();
    let old = world.flip();
    world.touch_all();
    assert_eq!(world.away(), 0, "what fits is at home");
    world.expect_changed();
    world.expect_unchanged(&old);
}

#[test]
fn both_values_are_dropped_once() {
    let world = World::new();
    let old = world.flip();
    world.touch_all();
    assert_eq!(world.alive(), 2 * OBJECTS);
    drop(old);
    world.domain.reclaim();
    assert_eq!(world.alive(), OBJECTS, "the predecessors are gone");
    world.expect_changed();
    for &name in &world.names {
        world.domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
    }
    world.domain.reclaim();
    assert_eq!(world.alive(), 0);
}

/// A sweep is a touch like any other.
#[test]
fn what_is_swept_takes_the_slot_too() {
    let world = World::new();
    let old = world.flip();
    world.domain.sweep(world.all());
    assert_eq!(world.away(), 0);
    world.expect_changed();
    world.expect_unchanged(&old);
}

/// Runs `f` while a transaction from before the flip has references to all values.
fn beside_an_old_transaction(world: &World, f: impl FnOnce()) -> HeldSnapshot {
    let (begun, ended) = (AtomicBool::new(false), AtomicBool::new(false));
    let wait_for = |flag: &AtomicBool| {
        while !flag.load(Ordering::Acquire) {
            thread::yield_now();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            world.domain.snapshot(|s| {
                let get = |&name: &Handle| s.get::<Number>(name).unwrap();
                let values: Vec<_> = world.names.iter().map(get).collect();
                begun.store(true, Ordering::Release);
                wait_for(&ended);
                for (n, value) in values.into_iter().enumerate() {
                    assert_eq!(value.value, n, "it was moved under a reference");
                }
            });
        });
        wait_for(&begun);
        let old = world.flip();
        f();
        ended.store(true, Ordering::Release);
        old
    })
}

#[test]
fn beside_a_transaction_from_before_the_flip_nothing_moves() {
    let world = World::new();
    let old = beside_an_old_transaction(&world, || world.touch_all());
    world.expect_changed();
    world.expect_unchanged(&old);
    assert_eq!(world.away(), OBJECTS / 2, "the predecessors have kept their places");
    world.expect_changed();
    world.expect_unchanged(&old);
}

/// The look at those who may have old references is not taken once and for all: as soon as the last
/// one is gone successors take slots.
#[test]
fn once_the_last_old_transaction_has_ended_successors_take_their_slots() {
    let world = World::new();
    let (first, second) = world.names.split_at(OBJECTS / 2);
    let touch = |names: &[Handle]| names.iter().for_each(|&it| world.domain.touch(it).unwrap());
    let old = beside_an_old_transaction(&world, || touch(first));
    touch(second);
    let away = world.away();
    assert!((OBJECTS / 4..OBJECTS / 2).contains(&away), "{away} are away");
    world.expect_changed();
    world.expect_unchanged(&old);
}

/// Somebody reads the instant before the flip, after it, and holds what they have read.
#[test]
fn beside_a_reader_of_the_instant_before_nothing_moves() {
    let world = World::new();
    let old = world.flip();
    let (first, second) = world.names.split_at(OBJECTS / 2);
    let touch = |names: &[Handle]| names.iter().for_each(|&it| world.domain.touch(it).unwrap());
    touch(first);
    old.read(|s| {
        let values: Vec<_> = second.iter().map(|&it| s.get::<Number>(it).unwrap()).collect();
        touch(second);
        for (n, value) in (OBJECTS / 2..).zip(values) {
            assert_eq!(value.value, n, "it was moved under a reference");
        }
    });
    world.expect_changed();
    world.expect_unchanged(&old);
    assert_eq!(world.away(), OBJECTS / 4);
}

/// A version written last while a snapshot kept the one before lies in a block, and its slot is free
/// when that snapshot has gone.
#[test]
fn a_free_slot_is_taken() {
    let world = World::new();
    let held = world.domain.hold();
    for (n, &name) in world.names.iter().enumerate() {
        let value = || Counted::new(n, &world.alive);
        world.domain.atomically(|tx| Ok(tx.put(name, value()))).unwrap();
    }
    drop(held);
    world.domain.reclaim();
    let old = world.flip();
    world.touch_all();
    assert_eq!(world.away(), 0);
    world.expect_changed();
    world.expect_unchanged(&old);
    drop(old);
    world.domain.reclaim();
    assert_eq!(world.alive(), OBJECTS);
}

/// A floor that is set when its instant is over may have been missed: whoever began at that instant
/// or later may have references that nobody knows of.
#[test]
fn below_a_floor_that_came_late_nothing_moves() {
    let world = World::new();
    let old = world.domain.advance_era(|_| {}).unwrap().before;
    world.domain.snapshot(|s| {
        let value = s.get::<Number>(world.names[0]).unwrap();
        world.domain.set_floor(Kind::of::<Number>(), FLIP);
        world.touch_all();
        assert_eq!(value.value, 0, "it was moved under a reference");
    });
    world.expect_changed();
    world.expect_unchanged(&old);
    assert_eq!(world.away(), OBJECTS / 2);
}

/// A layer that is told something after its domain has been made.
#[derive(Debug)]
struct Shared<L>(Arc<L>);

impl<L: Layer> Layer for Shared<L> {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        self.0.touch(touch)
    }
}

/// Looks at the instant before the flip while it installs, as a transformer does that reads others.
#[derive(Debug, Default)]
struct LooksAtThePast(OnceLock<HeldSnapshot>);

impl Layer for LooksAtThePast {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        let Some(&number) = touch.value::<u64>().filter(|_| touch.at() >= FLIP) else {
            return Touched::AsIs;
        };
        let past = self.0.get().expect("the flip has happened");
        past.read(|_| touch.install(FLIP, number as i64)).unwrap();
        Touched::Again
    }
}

/// Looks at the object itself in the past, and holds what it has seen while it installs.
#[derive(Debug)]
struct LooksAtItself(OnceLock<HeldSnapshot>);

impl Layer for LooksAtItself {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        let Some(&number) = touch.value::<u64>().filter(|_| touch.at() >= FLIP) else {
            return Touched::AsIs;
        };
        let name = touch.handle();
        self.0.get().expect("the flip has happened").read(|past| {
            let seen = past.get::<u64>(name).unwrap();
            touch.install(FLIP, number as i64 + 1).unwrap();
            assert_eq!(*seen, number, "it was moved under a reference");
        });
        Touched::Again
    }
}

#[test]
fn who_looks_at_the_object_in_the_past_keeps_it_in_its_place() {
    let layer = Arc::new(LooksAtItself(OnceLock::new()));
    let domain = Domain::builder().layer(Shared(Arc::clone(&layer))).build().unwrap();
    let name = domain.atomically(|tx| Ok(tx.create(7_u64)));
    let old = domain.advance_era(|_| domain.set_floor(Kind::of::<u64>(), FLIP)).unwrap().before;
    layer.0.set(old).unwrap();
    domain.sweep(0..0);
    assert_eq!(domain.snapshot(|s| *s.get::<i64>(name).unwrap()), 8);
    assert_eq!(domain.bring_home(0..domain.slots()), Some(1));
}

/// Who looks at the past while they install can't find out that nobody else does. A sweep does.
#[test]
fn after_a_sweep_also_those_who_look_at_the_past_take_slots() {
    let past = Arc::new(LooksAtThePast::default());
    let domain = Domain::builder().layer(Shared(Arc::clone(&past))).build().unwrap();
    let create = |n| domain.atomically(|tx| Ok(tx.create(n)));
    let names: Vec<_> = (0..OBJECTS as u64).map(create).collect();
    let old = domain.advance_era(|_| domain.set_floor(Kind::of::<u64>(), FLIP)).unwrap().before;
    past.0.set(old).unwrap();
    let (first, second) = names.split_at(OBJECTS / 2);
    first.iter().for_each(|&it| domain.touch(it).unwrap());
    domain.sweep(0..0);
    second.iter().for_each(|&it| domain.touch(it).unwrap());
    assert_eq!(domain.bring_home(0..domain.slots()), Some(OBJECTS / 2));
    for (n, &name) in names.iter().enumerate() {
        assert_eq!(domain.snapshot(|s| *s.get::<i64>(name).unwrap()), n as i64);
    }
}

/// The value below is where it was said to be, also when it has moved.
#[derive(Debug)]
struct LooksBack;

impl Layer for LooksBack {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        let Some(&number) = touch.value::<u64>().filter(|_| touch.at() >= FLIP) else {
            return Touched::AsIs;
        };
        let before = touch.version();
        touch.install(FLIP, -(number as i64)).unwrap();
        assert_eq!(touch.value(), Some(&number));
        assert_eq!(touch.version(), before);
        assert_eq!(touch.install(FLIP, 0_i64).unwrap_err().0, 0, "something lies over it");
        Touched::Again
    }
}

#[test]
fn a_layer_sees_the_predecessor_after_it_has_moved() {
    let domain = Domain::builder().layer(LooksBack).build().unwrap();
    let name = domain.atomically(|tx| Ok(tx.create(7_u64)));
    domain.advance_era(|_| domain.set_floor(Kind::of::<u64>(), FLIP)).unwrap();
    assert_eq!(domain.snapshot(|s| *s.get::<i64>(name).unwrap()), -7);
}

/// A touch that ends in a panic leaves the version to everybody, in its place.
#[derive(Debug)]
struct Panics(AtomicBool);

impl Layer for Panics {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        if touch.at() >= FLIP && touch.version().stamp < FLIP {
            assert!(self.0.swap(true, Ordering::Relaxed), "the first one fails");
            let _ = touch.install(FLIP, 8_i64);
        }
        Touched::Again
    }
}

#[test]
fn after_a_touch_that_panicked_the_next_one_installs() {
    let domain = Domain::builder().layer(Panics(AtomicBool::new(false))).build().unwrap();
    let name = domain.atomically(|tx| Ok(tx.create(7_u64)));
    let old = domain.advance_era(|_| domain.set_floor(Kind::of::<u64>(), FLIP)).unwrap().before;
    let get = || domain.snapshot(|s| *s.get::<i64>(name).unwrap());
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(get)).is_err());
    assert_eq!(get(), 8);
    assert_eq!(old.read(|s| *s.get::<u64>(name).unwrap()), 7);
}

/// From the first flip on a text has its length beside it, from the second on lengths are negative.
#[derive(Debug)]
struct Lengths {
    last: AtomicU64,
}

const SECOND_FLIP: CommitTs = CommitTs::new(Era::FIRST.next().unwrap().next().unwrap(), Seq::ZERO);

impl Layer for Lengths {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        if let Some(length) = touch.value::<String>().map(String::len) {
            let beside = touch.create(length as u64);
            self.last.store(beside.to_bits(), Ordering::Release);
            let _ = touch.install(FLIP, beside);
            return Touched::Again;
        }
        if let Some(&length) = touch.value::<u64>() {
            let _ = touch.install(SECOND_FLIP, -(length as i64));
            return Touched::Again;
        }
        Touched::AsIs
    }
}

/// The name of an object that a touch creates gets out, and somebody looks for the object all the
/// time. It comes to be at the first flip, so it is to be seen as what it is since the second one.
/// It was seen as it was, by a look after a touch that had found nothing; and then the next touch
/// moved it, under the reference.
#[test]
fn who_has_the_name_of_what_comes_to_be_does_not_see_it_too_early() {
    let layer = Arc::new(Lengths { last: AtomicU64::new(0) });
    let domain = Domain::builder().layer(Shared(Arc::clone(&layer))).build().unwrap();
    let text = || domain.atomically(|tx| Ok(tx.create(String::from("seven b"))));
    let texts: Vec<Handle> = (0..200 * OBJECTS).map(|_| text()).collect();
    domain.advance_era(|_| domain.set_floor(Kind::of::<String>(), FLIP)).unwrap();
    domain.advance_era(|_| domain.set_floor(Kind::of::<u64>(), SECOND_FLIP)).unwrap();
    let last = || Handle::from_bits(layer.last.load(Ordering::Acquire));
    let over = AtomicBool::new(false);
    let (early, moved) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                domain.snapshot(|s| {
                    let Ok(length) = s.get::<u64>(last()) else { return };
                    early.fetch_add(1, Ordering::Relaxed);
                    let is_moved = (0..20_000).any(|_| *black_box(length) != 7);
                    moved.fetch_add(usize::from(is_moved), Ordering::Relaxed);
                });
            }
        });
        for &text in &texts {
            domain.touch(text).unwrap();
            domain.touch(last()).unwrap();
            assert_eq!(domain.snapshot(|s| s.get::<i64>(last()).copied()), Ok(-7));
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!((early.into_inner(), moved.into_inner()), (0, 0));
}

/// Nothing changes before the second flip.
#[derive(Debug)]
struct Later;

impl Layer for Later {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        let Some(&number) = touch.value::<u64>().filter(|_| touch.at() >= SECOND_FLIP) else {
            return Touched::AsIs;
        };
        let _ = touch.install(SECOND_FLIP, -(number as i64));
        Touched::Again
    }
}

/// A sweep that leaves everything as it is, as that of a roll back does, has nothing in hand any
/// more when it is over; and what is written then is in nobody's hand. Both were as if in hand for
/// ever, so that after a roll back no version took its slot.
#[test]
fn what_was_left_as_it_is_takes_its_slot_with_the_next_flip() {
    let domain = Domain::builder().layer(Later).build().unwrap();
    let create = |n| domain.atomically(|tx| Ok(tx.create(n)));
    let names: Vec<_> = (0..OBJECTS as u64).map(create).collect();
    domain.advance_era(|_| domain.set_floor(Kind::of::<u64>(), FLIP)).unwrap();
    domain.sweep(0..domain.slots());
    let (read, unread) = names.split_at(OBJECTS / 2);
    for (&name, n) in read.iter().zip(0..) {
        assert_eq!(domain.snapshot(|s| s.get::<u64>(name).copied()), Ok(n));
        domain.atomically(|tx| Ok(tx.put(name, n + 1))).unwrap();
    }
    domain.advance_era(|_| domain.set_floor(Kind::of::<u64>(), SECOND_FLIP)).unwrap();
    domain.sweep(0..0);
    names.iter().for_each(|&name| domain.touch(name).unwrap());
    assert_eq!(domain.bring_home(0..domain.slots()), Some(0));
    assert_eq!(domain.snapshot(|s| s.get::<i64>(read[7]).copied()), Ok(-8));
    assert_eq!(domain.snapshot(|s| s.get::<i64>(unread[7]).copied()), Ok(-507));
}
