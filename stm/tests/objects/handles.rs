//! Handles: a name leads to its own object, or to an error that says why.

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use upgradable_stm::{AbortCause, AccessError, Domain, Handle, Kind, TVar};

use super::{Script, panics, undone, watched};

/// What a new snapshot finds there.
fn look(domain: &Domain, name: Handle) -> Result<u64, AccessError> {
    domain.snapshot(|s| s.get::<u64>(name).copied())
}

fn create(domain: &Domain, value: u64) -> Handle {
    domain.atomically(|tx| Ok(tx.create(value)))
}

#[test]
fn an_object_is_created_written_changed_and_deleted() {
    let domain = Domain::new();
    let name = create(&domain, 1);
    assert_eq!(look(&domain, name), Ok(1));
    domain.atomically(|tx| Ok(tx.put(name, 2_u64))).unwrap();
    assert_eq!(look(&domain, name), Ok(2));
    let before = domain.atomically(|tx| Ok(tx.update(name, |n: &mut u64| std::mem::replace(n, 3))));
    assert_eq!((before, look(&domain, name)), (Ok(2), Ok(3)));
    domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
    assert_eq!(look(&domain, name), Err(AccessError::Deleted));
}

#[test]
fn all_of_it_in_one_transaction() {
    let domain = Domain::new();
    let (kept, gone) = domain.atomically(|tx| {
        let [kept, gone] = [1_u64, 2].map(|n| tx.create(n));
        assert_eq!(tx.get::<u64>(kept), Ok(&1));
        tx.put(kept, 10_u64).unwrap();
        tx.update(kept, |n: &mut u64| *n += 1).unwrap();
        tx.delete(gone).unwrap();
        assert_eq!(tx.get::<u64>(gone), Err(AccessError::Deleted));
        assert_eq!(tx.put(gone, 3_u64), Err(AccessError::Deleted));
        assert_eq!(tx.update(gone, |n: &mut u64| *n += 1), Err(AccessError::Deleted));
        assert_eq!(tx.delete(gone), Err(AccessError::Deleted));
        Ok((kept, gone))
    });
    assert_eq!(look(&domain, kept), Ok(11));
    assert!(look(&domain, gone).is_err());
    assert_eq!(domain.snapshot(|s| s.handles().collect::<Vec<_>>()), [kept]);
}

#[test]
fn a_deleted_object_is_an_error_for_everything() {
    let domain = Domain::new();
    let name = create(&domain, 1);
    domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
    let check = || {
        domain.atomically(|tx| {
            assert_eq!(tx.get::<u64>(name), Err(AccessError::Deleted));
            assert_eq!(tx.get::<String>(name), Err(AccessError::Deleted), "of whichever type");
            assert_eq!(tx.put(name, 2_u64), Err(AccessError::Deleted));
            assert_eq!(tx.update(name, |n: &mut u64| *n = 2), Err(AccessError::Deleted));
            assert_eq!(tx.delete(name), Err(AccessError::Deleted));
            assert_eq!(tx.version(name), Err(AccessError::Deleted));
            Ok(())
        });
        assert_eq!(domain.snapshot(|s| s.version(name)), Err(AccessError::Deleted));
        assert_eq!(look(&domain, name), Err(AccessError::Deleted));
    };
    check();
    domain.reclaim(); // its slot is free
    check();
    create(&domain, 3); // and used again
    check();
}

#[test]
fn a_snapshot_goes_on_seeing_what_is_deleted_after_it() {
    let domain = Domain::new();
    let name = create(&domain, 1);
    let held = domain.hold();
    domain.snapshot(|s| {
        domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
        domain.reclaim();
        for n in 0..500 {
            create(&domain, n);
        }
        assert_eq!(s.get::<u64>(name), Ok(&1));
    });
    held.read(|s| {
        assert_eq!(s.get::<u64>(name), Ok(&1));
        assert_eq!(s.handles().collect::<Vec<_>>(), [name]);
    });
    assert_eq!(look(&domain, name), Err(AccessError::Deleted));
}

#[test]
fn an_object_is_unborn_to_older_snapshots() {
    let domain = Domain::new();
    create(&domain, 0);
    let held = domain.hold();
    let name = create(&domain, 1);
    held.read(|s| {
        assert_eq!(s.get::<u64>(name), Err(AccessError::Unborn));
        assert_eq!(s.version(name), Err(AccessError::Unborn));
        assert_eq!(s.handles().count(), 1);
    });
    let other = domain.tvar(0);
    domain.atomically(|tx| {
        let mut younger = None;
        thread::scope(|scope| {
            scope.spawn(|| younger = Some(create(&domain, 2)));
        });
        let younger = younger.unwrap();
        assert_eq!(tx.get::<u64>(younger), Err(AccessError::Unborn));
        assert_eq!(tx.put(younger, 3_u64), Err(AccessError::Unborn));
        assert_eq!(tx.delete(younger), Err(AccessError::Unborn));
        if *tx.read(&other) == 0 { Ok(()) } else { Ok(tx.write(&other, 1)) }
    });
}

/// Who found an object unborn has read that it is: the transaction is executed again.
#[test]
fn to_be_unborn_can_change() {
    let domain = Domain::new();
    let (found, place) = (domain.tvar(None), domain.tvar(None));
    let mut run = 0;
    domain.atomically(|tx| {
        run += 1;
        if run == 1 {
            thread::scope(|scope| {
                scope.spawn(|| {
                    let name = create(&domain, 7);
                    domain.atomically(|tx| Ok(tx.write(&place, Some(name))));
                });
            });
        }
        // Names travel by other ways than transactions, too.
        let name = domain.snapshot(|s| *s.read(&place)).unwrap();
        let value = tx.get::<u64>(name).copied();
        assert_eq!(value, if run == 1 { Err(AccessError::Unborn) } else { Ok(7) });
        Ok(tx.write(&found, value.ok()))
    });
    assert_eq!((run, domain.snapshot(|s| *s.read(&found))), (2, Some(7)));
}

#[test]
fn a_wrong_type_is_an_error_and_nothing_is_written() {
    let domain = Domain::new();
    let name = create(&domain, 1);
    let wrong = AccessError::WrongKind { expected: Kind::of::<i64>(), found: Kind::of::<u64>() };
    domain.atomically(|tx| {
        assert_eq!(tx.get::<i64>(name), Err(wrong));
        assert_eq!(tx.put(name, -1_i64), Err(wrong));
        assert_eq!(tx.update(name, |_: &mut i64| panic!("not called")), Err(wrong));
        let new = tx.create("text");
        assert!(matches!(tx.put(new, 1_u8), Err(AccessError::WrongKind { .. })));
        Ok(())
    });
    assert_eq!(domain.snapshot(|s| s.get::<i64>(name).copied()), Err(wrong));
    assert_eq!(look(&domain, name), Ok(1));
    let text = wrong.to_string();
    assert!(text.contains("i64") && text.contains("u64"), "{text}");
}

#[test]
fn the_kind_can_be_given_instead_of_looked_up() {
    let domain = Domain::new();
    let name = create(&domain, 1);
    domain.snapshot(|s| {
        assert_eq!(s.get_as::<u64>(name, Kind::of::<u64>()), Ok(&1));
        for kind in [Kind::of::<i64>(), Kind::of::<[u64; 100]>()] {
            assert!(matches!(s.get_as::<u64>(name, kind), Err(AccessError::WrongKind { .. })));
        }
        let other = s.get_as::<[u64; 100]>(name, Kind::of::<u64>());
        assert!(matches!(other, Err(AccessError::WrongKind { .. })));
    });
}

#[test]
fn slots_are_used_again_and_names_are_not() {
    let domain = Domain::new();
    let mut names = Vec::new();
    for round in 0..5_000 {
        let name = create(&domain, round);
        assert_eq!(look(&domain, name), Ok(round));
        domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
        names.push(name);
        if round % 10 == 0 {
            domain.reclaim();
        }
    }
    let distinct: HashSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
    let slots: HashSet<_> = names.iter().map(|name| name.to_bits() as u32).collect();
    assert!(slots.len() < 100, "{} slots", slots.len());
    let alive: Vec<Handle> = (0..100).map(|n| create(&domain, n)).collect();
    assert!(names.iter().all(|&name| look(&domain, name) == Err(AccessError::Deleted)));
    assert!(alive.iter().enumerate().all(|(n, &name)| look(&domain, name) == Ok(n as u64)));
}

#[test]
fn a_name_from_an_undone_creation_names_nothing_for_ever() {
    let domain = Domain::new();
    let mut names = Vec::new();
    for round in 0..500 {
        let leaked = Cell::new(None);
        undone(&domain, |tx| leaked.set(Some(tx.create(1_000_000 + round))));
        names.extend(leaked.get());
        panics(|| {
            domain.atomically(|tx| {
                leaked.set(Some(tx.create(1_000_000 + round)));
                if true {
                    panic!("on purpose")
                }
                Ok(())
            })
        });
        names.extend(leaked.get());
        let kept = create(&domain, round);
        assert_eq!(look(&domain, kept), Ok(round));
        assert!(!names.contains(&kept));
    }
    assert_eq!(names.len(), 1000);
    assert!(names.iter().all(|&name| look(&domain, name).is_err()));
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
}

/// The name that an execution gave and that was lost to a conflict is not the one that counts.
#[test]
fn each_execution_gives_names_of_its_own() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let mut given = Vec::new();
    let name = domain.atomically(|tx| {
        let seen = *tx.read(&x);
        let name = tx.create(seen);
        given.push(name);
        if given.len() < 4 {
            thread::scope(|scope| {
                scope.spawn(|| domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1))));
            });
        }
        tx.write(&x, 0_u64);
        Ok(name)
    });
    assert_eq!(given.len(), 4);
    assert_eq!(given.last(), Some(&name));
    assert_eq!(look(&domain, name), Ok(3));
    assert!(given[..3].iter().all(|&lost| look(&domain, lost).is_err()));
}

/// Whatever the bits: an object's own data, or an error.
#[test]
fn forged_names_lead_nowhere() {
    let domain = Domain::new();
    let names: Vec<Handle> = (0..100).map(|n| create(&domain, n)).collect();
    for &name in &names[..50] {
        domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
    }
    domain.reclaim();
    let is_right = |forged: Handle| {
        let expected = names[50..].iter().position(|&name| name == forged).map(|at| 50 + at as u64);
        assert_eq!(look(&domain, forged).ok(), expected, "{forged:?}");
        if expected.is_none() {
            undone(&domain, |tx| {
                assert!(tx.get::<u64>(forged).is_err());
                assert!(tx.put(forged, 0_u64).is_err());
                assert!(tx.delete(forged).is_err());
                assert!(tx.version(forged).is_err());
            });
        }
    };
    for name in &names {
        for bit in 0..64 {
            is_right(Handle::from_bits(name.to_bits() ^ 1 << bit));
        }
    }
    for number in 0..2000 {
        is_right(Handle::from_bits(names[99].to_bits() & !0xFFFF_FFFF | number));
        is_right(Handle::from_bits(number << 32 | number));
    }
    for bits in [0, u64::MAX, u64::from(u32::MAX), !u64::from(u32::MAX)] {
        is_right(Handle::from_bits(bits));
    }
}

/// A name that nobody was given yet, but that will be next.
#[test]
fn a_guessed_name_is_unborn_until_it_is_born() {
    let domain = Domain::new();
    let name = create(&domain, 0);
    let next = Handle::from_bits(name.to_bits() + 1);
    assert_eq!(look(&domain, next), Err(AccessError::Unborn));
    domain.atomically(|tx| {
        assert_eq!(tx.get::<u64>(next), Err(AccessError::Unborn));
        let created = tx.create(1_u64);
        assert_eq!(tx.get::<u64>(created), Ok(&1));
        Ok(())
    });
    assert_eq!(look(&domain, next), Ok(1));
}

#[test]
fn a_snapshot_lists_what_there_is() {
    let domain = Domain::new();
    assert_eq!(domain.snapshot(|s| s.handles().count()), 0);
    let texts = domain.atomically(|tx| Ok([tx.create("a"), tx.create("b")]));
    let numbers: Vec<Handle> = (0..1000).map(|n| create(&domain, n)).collect();
    domain.tvar(5); // has no name
    for &name in &numbers[..500] {
        domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
    }
    undone(&domain, |tx| {
        let new = tx.create(0_u64);
        let listed: Vec<Handle> = domain.snapshot(|s| s.handles().collect());
        assert!(!listed.contains(&new));
    });
    domain.snapshot(|s| {
        let listed: HashSet<Handle> = s.handles().collect();
        let expected = texts.iter().chain(&numbers[500..]).copied();
        assert_eq!(listed, expected.collect());
        let numbers = s.handles().filter(|&name| s.version(name).unwrap().kind.is::<u64>());
        assert_eq!(numbers.count(), 500);
    });
}

#[test]
fn a_version_says_kind_and_time() {
    let domain = Domain::new();
    let name = create(&domain, 1);
    let born = domain.now();
    let version = domain.snapshot(|s| s.version(name)).unwrap();
    assert_eq!((version.kind, version.stamp), (Kind::of::<u64>(), born));
    domain.atomically(|tx| {
        tx.put(name, 2_u64).unwrap();
        assert_eq!(tx.version(name).unwrap().stamp, born, "own writes are left out");
        Ok(())
    });
    assert_eq!(domain.snapshot(|s| s.version(name)).unwrap().stamp, domain.now());
}

/// What a writer has seen is gone when it commits.
#[test]
fn a_write_to_an_object_deleted_meanwhile_is_executed_again() {
    watched(|| {
        let domain = Domain::new();
        let name = create(&domain, 1);
        let script = Script::default();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut run = 0;
                let outcome = domain.atomically(|tx| {
                    run += 1;
                    let written = script.first(run, 0, || tx.put(name, 2_u64));
                    script.first(run, 2, || ());
                    Ok(written)
                });
                assert_eq!((outcome, run), (Err(AccessError::Deleted), 2));
            });
            script.at(1, || {
                domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
                domain.reclaim();
            });
        });
        assert_eq!(domain.stats().aborts(AbortCause::Deleted), 1);
        assert_eq!(look(&domain, name), Err(AccessError::Deleted));
    });
}

#[test]
fn an_object_is_deleted_by_one() {
    watched(|| {
        let domain = Domain::new();
        let names: Vec<Handle> = (0..200).map(|n| create(&domain, n)).collect();
        let deleted = thread::scope(|scope| {
            let delete = || {
                let delete = |name: &&Handle| domain.atomically(|tx| Ok(tx.delete(**name))).is_ok();
                names.iter().filter(delete).count()
            };
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(delete)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(deleted, names.len());
        assert_eq!(domain.snapshot(|s| s.handles().count()), 0);
    });
}

/// Objects that come and go as fast as they can, and readers with names old and new.
#[test]
fn names_never_lead_to_another_object() {
    watched(|| {
        let domain = Domain::new();
        // Each object holds the number that its place says.
        let places: Vec<TVar<(Handle, u64)>> =
            (0..8).map(|_| domain.tvar((create(&domain, 0), 0))).collect();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let (domain, places, done) = (&domain, &places, &done);
            scope.spawn(move || {
                for n in 1..20_000 {
                    let place = &places[n as usize % 8];
                    domain.atomically(|tx| {
                        tx.delete(tx.read(place).0).map_err(|_| tx.retry())?;
                        Ok(tx.write(place, (tx.create(n), n)))
                    });
                }
                done.store(true, Ordering::Relaxed);
            });
            scope.spawn(move || {
                let mut known = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    domain.snapshot(|s| known.extend(places.iter().map(|place| *s.read(place))));
                    for &(name, number) in &known {
                        match look(domain, name) {
                            Ok(found) => assert_eq!(found, number),
                            Err(error) => assert_ne!(error, AccessError::Foreign),
                        }
                    }
                    let surplus = known.len().saturating_sub(64);
                    known.drain(..surplus);
                }
            });
        });
    });
}
