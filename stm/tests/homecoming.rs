//! The newest version of an object comes home into its slot, and the one that a snapshot keeps there
//! goes into a block. Nobody sees a difference but in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use upgradable_stm::{Domain, Handle, HeldSnapshot};

/// A value that counts how many of its kind are alive.
#[derive(Debug)]
struct Counted {
    number: usize,
    alive: Arc<AtomicUsize>,
}

impl Counted {
    fn new(number: usize, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self { number, alive: Arc::clone(alive) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

fn all(domain: &Domain) -> std::ops::Range<u32> {
    0..domain.slots()
}

fn create(domain: &Domain, objects: usize) -> Vec<Handle> {
    (0..objects).map(|n| domain.atomically(|tx| Ok(tx.create(n)))).collect()
}

fn put(domain: &Domain, names: &[Handle], value: usize) {
    for &name in names {
        domain.atomically(|tx| Ok(tx.put(name, value))).unwrap();
    }
}

fn expect(held: &HeldSnapshot, names: &[Handle], value: impl Fn(usize) -> usize) {
    held.read(|s| {
        for (n, &name) in names.iter().enumerate() {
            assert_eq!(*s.get::<usize>(name).unwrap(), value(n));
        }
    });
}

#[test]
fn what_a_snapshot_keeps_makes_room_for_what_is_newest() {
    const OBJECTS: usize = 1000;
    let domain = Domain::new();
    let names = create(&domain, OBJECTS);
    assert_eq!(domain.bring_home(all(&domain)), Some(0), "they are at home");
    let old = domain.hold();
    put(&domain, &names, 7);
    assert_eq!(domain.bring_home(all(&domain)), Some(OBJECTS));
    assert_eq!(domain.bring_home(all(&domain)), Some(0), "they have come home");
    expect(&old, &names, |n| n);
    expect(&domain.hold(), &names, |_| 7);
    drop(old);
    domain.reclaim();
    assert_eq!(domain.away(all(&domain)), [], "what was kept did not lie at home");
    // And on with the usual life.
    let seven = domain.hold();
    put(&domain, &names, 8);
    expect(&seven, &names, |_| 7);
    expect(&domain.hold(), &names, |_| 8);
}

#[test]
fn only_the_slots_that_are_named_are_looked_at() {
    let domain = Domain::new();
    let names = create(&domain, 100);
    let _old = domain.hold();
    put(&domain, &names, 7);
    assert_eq!(domain.bring_home(0..10), Some(10));
    assert_eq!(domain.bring_home(5..20), Some(10));
    assert_eq!(domain.bring_home(all(&domain)), Some(80));
}

/// What is written again and again goes to and fro by itself. Who tidies after something says after
/// what: versions count that have been away since then, and those whose places have been taken.
#[test]
fn what_went_away_later_can_be_left_there() {
    let domain = Domain::new();
    let (early, taken) = (create(&domain, 10), create(&domain, 10));
    let held = domain.hold();
    put(&domain, &early, 7);
    drop(held);
    domain.reclaim();
    let _old = domain.hold();
    let late = create(&domain, 10);
    let then = domain.now();
    put(&domain, &taken, 8);
    let held = domain.hold();
    put(&domain, &late, 9);
    drop(held);
    domain.reclaim();
    assert_eq!(domain.away_since(all(&domain), then).len(), 10, "those that have room");
    assert_eq!(domain.bring_home_since(all(&domain), then), Some(20));
    assert_eq!(domain.away_since(all(&domain), then), []);
    assert_eq!(domain.away(all(&domain)).len(), 10);
    assert_eq!(domain.bring_home(all(&domain)), Some(10));
    let now = domain.hold();
    for (names, value) in [(&early, 7), (&taken, 8), (&late, 9)] {
        expect(&now, names, |_| value);
    }
}

/// An object whose slot has room is brought home by the next write, too; this needs none, and leaves
/// the stamp as it is.
#[test]
fn an_empty_place_is_used_without_a_write() {
    let domain = Domain::new();
    let names = create(&domain, 100);
    let held = domain.hold();
    put(&domain, &names, 7);
    drop(held);
    domain.reclaim();
    assert_eq!(domain.away(all(&domain)).len(), 100);
    let stamp = domain.snapshot(|s| s.version(names[0])).unwrap().stamp;
    assert_eq!(domain.bring_home(all(&domain)), Some(100));
    assert_eq!(domain.away(all(&domain)), []);
    assert_eq!(domain.snapshot(|s| s.version(names[0])).unwrap().stamp, stamp);
    expect(&domain.hold(), &names, |_| 7);
}

/// The version in the slot is the oldest, the middle one or the newest but one of a chain, and every
/// snapshot sees its own, whichever ends first.
#[test]
fn every_snapshot_of_a_chain_sees_its_own_version_and_each_is_dropped_once() {
    const VERSIONS: usize = 5;
    for home in 0..VERSIONS {
        for gone in 0..=VERSIONS {
            let (domain, alive) = (Domain::new(), Arc::new(AtomicUsize::new(0)));
            let name = domain.atomically(|tx| Ok(tx.create(Counted::new(0, &alive))));
            let mut held = vec![domain.hold()];
            for number in 1..=VERSIONS {
                if number == home {
                    // A moment in which the version is the only one: it takes the slot.
                    held.clear();
                    domain.reclaim();
                }
                domain.atomically(|tx| Ok(tx.put(name, Counted::new(number, &alive)))).unwrap();
                held.push(domain.hold());
            }
            let first = if home == 0 { 0 } else { home };
            assert!(domain.bring_home(all(&domain)).is_some());
            assert_eq!(domain.bring_home(all(&domain)), Some(0));
            let see = |held: &HeldSnapshot| held.read(|s| s.get::<Counted>(name).unwrap().number);
            assert!(held.iter().map(see).eq(first..=VERSIONS));
            if gone < held.len() {
                held.remove(gone);
            }
            domain.reclaim();
            let left = (first..=VERSIONS).filter(|&number| number != first + gone);
            assert!(held.iter().map(see).eq(left));
            held.clear();
            domain.reclaim();
            assert_eq!(alive.load(Ordering::Relaxed), 1);
            drop(domain);
            assert_eq!(alive.load(Ordering::Relaxed), 0);
        }
    }
}

/// What was written beside somebody else lay in a block. Later writes, beside nobody but a held
/// instant, exchanged values in that block, and the slot stayed empty for good.
#[test]
fn the_next_write_beside_an_old_instant_comes_home() {
    let domain = Domain::new();
    let names = create(&domain, 500);
    let old = domain.hold();
    put(&domain, &names, 1);
    assert_eq!(domain.bring_home(all(&domain)), Some(500));
    let company = domain.hold();
    put(&domain, &names, 2);
    drop(company);
    domain.reclaim();
    assert_eq!(domain.away(all(&domain)).len(), 500, "they lie in blocks, and have room");
    // Long enough for those held before not to count as being at work.
    let other = domain.tvar(0);
    for _ in 0..10_000 {
        domain.atomically(|tx| Ok(tx.write(&other, 1)));
    }
    put(&domain, &names, 3);
    assert_eq!(domain.away(all(&domain)), []);
    expect(&old, &names, |n| n);
    expect(&domain.hold(), &names, |_| 3);
    domain.reclaim();
    let stats = domain.stats();
    assert_eq!(stats.retired - stats.reclaimed, 0, "{stats:?}");
}

#[test]
fn what_has_outgrown_its_slot_stays_away_and_what_is_smaller_comes() {
    let domain = Domain::new();
    let [small, large, same] = [(); 3].map(|()| domain.atomically(|tx| Ok(tx.create([1_u64; 4]))));
    let at = |name| domain.snapshot(|s| s.version(name)).unwrap().stamp;
    let old = domain.hold();
    domain.install(small, at(small), at(small), 2_u8).unwrap();
    domain.install(large, at(large), at(large), [2_u64; 40]).unwrap();
    domain.install(same, at(same), at(same), [2_i64; 4]).unwrap();
    assert_eq!(domain.bring_home(all(&domain)), Some(2));
    domain.reclaim();
    for held in [old, domain.hold()] {
        held.read(|s| {
            assert_eq!(s.get::<u8>(small), Ok(&2));
            assert_eq!(s.get::<[u64; 40]>(large), Ok(&[2; 40]));
            assert_eq!(s.get::<[i64; 4]>(same), Ok(&[2; 4]));
        });
    }
}

#[test]
fn what_is_deleted_or_was_never_there_stays_as_it_is() {
    let domain = Domain::new();
    let names = create(&domain, 10);
    let old = domain.hold();
    for &name in &names {
        domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
    }
    assert_eq!(domain.bring_home(all(&domain)), Some(0));
    expect(&old, &names, |n| n);
    drop(old);
    domain.reclaim();
    assert_eq!(domain.bring_home(all(&domain)), Some(0));
    assert!(domain.snapshot(|s| s.get::<usize>(names[0]).is_err()));
}

/// Who asks from within a transaction is in their own way.
#[test]
fn beside_a_transaction_nothing_moves() {
    let domain = Domain::new();
    let names = create(&domain, 10);
    let _old = domain.hold();
    put(&domain, &names, 7);
    domain.snapshot(|s| {
        let seven: &usize = s.get(names[3]).unwrap();
        assert_eq!(domain.bring_home(all(&domain)), None);
        assert_eq!(*seven, 7);
    });
    assert_eq!(domain.bring_home(all(&domain)), Some(10));
}

/// All processors are busy with transactions, one after the other: whoever wants a moment without
/// any takes the place of somebody who is in one. So those at work bring the versions home.
#[test]
fn threads_that_are_never_idle_bring_versions_home_between_two_transactions() {
    const OBJECTS: usize = 2000;
    let domain = Domain::new();
    let names = create(&domain, OBJECTS);
    let (old, stop) = (domain.hold(), AtomicBool::new(false));
    put(&domain, &names, 7);
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let work = |thread: usize| {
        for n in (thread..).step_by(threads).take_while(|_| !stop.load(Ordering::Relaxed)) {
            let name = names[n % OBJECTS];
            if n % 64 == thread {
                let change = |number: &mut usize| *number ^= 8;
                domain.atomically(|tx| Ok(tx.update(name, change))).unwrap();
            }
            domain.snapshot(|s| assert!([7, 15].contains(s.get::<usize>(name).unwrap())));
            if n % 1000 < threads {
                old.read(|s| assert_eq!(s.get(name), Ok(&(n % OBJECTS))));
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|n| {
                scope.spawn({
                    let work = &work;
                    move || work(n)
                })
            })
            .collect();
        // Who is stopped on the way says nothing of those that have come home until then.
        while domain.bring_home(all(&domain)).is_none() {
            assert!(!workers.iter().any(|worker| worker.is_finished()));
        }
        stop.store(true, Ordering::Relaxed);
    });
    expect(&old, &names, |n| n);
}
