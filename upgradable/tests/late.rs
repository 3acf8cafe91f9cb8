//! In flight means in peace: what becomes of transactions that began before a flip. Those that
//! read always commit. Those that write commit at the last instant before the flip, if everything
//! they write is untransformed and of types that the upgrade changes, if its transformers read
//! nothing but their own objects, and if what they have read is what was newest then. If one of
//! these fails they are executed again, and see the new version.

mod common;

use std::sync::atomic::{AtomicU32, Ordering};

use common::*;
use upgradable::{
    Abort, AccessError, Background, CommitTs, Committed, Heap, Ref, RunningUpgrade, Stm, Tx,
    Upgrade,
};

/// A heap, and a transaction that an upgrade overtakes.
struct Flight {
    heap: Heap,
    note: Ref<v1::Note>,
    other: Ref<v1::Note>,
    plain: Ref<Plain>,
}

/// How it ended.
struct Landed {
    committed: Committed<()>,
    executions: u32,
    running: RunningUpgrade,
}

impl Landed {
    /// Whether it committed in its first execution, at the last instant before the flip.
    fn is_late(&self) -> bool {
        let ts = self.committed.ts;
        let before = CommitTs::from_bits(self.running.flipped_at().to_bits() - 1);
        assert_eq!(self.executions == 1, ts == before, "{ts:?}");
        assert_eq!(self.executions - 1, self.committed.conflicts);
        self.executions == 1
    }
}

impl Flight {
    fn new() -> Self {
        let heap = Heap::new();
        let (a, b) = (create(&heap, note("a")), create(&heap, note("b")));
        let plain = create(&heap, Plain(0));
        Self { heap, note: a, other: b, plain }
    }

    /// Runs `old` as a transaction, in the midst of which the upgrade begins, followed by `then`;
    /// if it is executed again, it runs `new`.
    fn under(
        &self,
        plan: Upgrade,
        old: impl Fn(&Tx<'_>, &Self) -> Stm<()>,
        then: impl Fn(&Heap, &RunningUpgrade) + Send + Sync,
        new: impl Fn(&Tx<'_>, &Self) -> Stm<()>,
    ) -> Landed {
        let executions = AtomicU32::new(0);
        let mut running = None;
        let mut plan = Some(plan);
        let committed = self.heap.transaction().run(|tx| {
            if executions.fetch_add(1, Ordering::Relaxed) > 0 {
                return Ok::<_, Abort<()>>(new(tx, self)?);
            }
            old(tx, self)?;
            let plan = plan.take().unwrap();
            running = Some(elsewhere(|| {
                let running = self.heap.upgrade(plan).unwrap();
                then(&self.heap, &running);
                running
            }));
            Ok(())
        });
        let executions = executions.into_inner();
        Landed { committed: committed.unwrap(), executions, running: running.unwrap() }
    }

    fn stars(&self) -> (String, u8) {
        let note = get(&self.heap, self.note.cast::<Note>());
        (note.text, note.stars)
    }
}

fn append(tx: &Tx<'_>, flight: &Flight) -> Stm<()> {
    Ok(tx.modify(flight.note, |note| note.text.push('1'))?)
}

fn append_new(tx: &Tx<'_>, flight: &Flight) -> Stm<()> {
    Ok(tx.modify(flight.note.cast::<Note>(), |note| note.text.push('2'))?)
}

fn nothing(_: &Heap, _: &RunningUpgrade) {}

#[test]
fn a_writer_of_untransformed_objects_commits_just_before_the_flip() {
    let flight = Flight::new();
    let landed = flight.under(local_plan(), append, nothing, append_new);
    assert!(landed.is_late());
    assert_eq!(flight.stars(), ("a1".into(), 2), "and is then transformed like any other");
    assert_eq!(landed.running.progress().late, 1);
    finish(&landed.running);
}

#[test]
fn it_may_have_read_objects_of_any_type() {
    let flight = Flight::new();
    let reads = |tx: &Tx<'_>, flight: &Flight| {
        tx.read(flight.plain)?;
        tx.read(flight.other)?;
        append(tx, flight)
    };
    // Also such as are changed after the flip.
    let change = |heap: &Heap, _: &RunningUpgrade| {
        heap.atomically(|tx| {
            tx.write(flight.plain, Plain(1))?;
            tx.modify(flight.other.cast::<Note>(), |note| note.stars = 9)?;
            Ok(())
        })
        .unwrap();
    };
    assert!(flight.under(local_plan(), reads, change, append_new).is_late());
}

#[test]
fn it_may_create_and_delete() {
    let flight = Flight::new();
    let created = std::cell::Cell::new(None);
    let old = |tx: &Tx<'_>, flight: &Flight| {
        created.set(Some(tx.create(note("new"))?));
        tx.delete(flight.other)?;
        append(tx, flight)
    };
    assert!(flight.under(local_plan(), old, nothing, append_new).is_late());
    let created = created.get().unwrap().cast::<Note>();
    assert_eq!(get(&flight.heap, created), Note { text: "new".into(), stars: 2 });
    let gone = flight.heap.snapshot(|s| s.read(flight.other).cloned());
    assert_eq!(gone, Err(AccessError::Deleted));
}

/// It lives in the old program, and creates what that program knows.
#[test]
fn it_creates_objects_of_the_old_version_and_none_of_the_new() {
    let flight = Flight::new();
    let new = || Note { text: "new".into(), stars: 1 };
    let mut created = None;
    let mut running = None;
    let committed = flight.heap.transaction().run(|tx| {
        assert!(matches!(tx.create(new()), Err(AccessError::NotYet(_))), "before the flip");
        running = Some(elsewhere(|| flight.heap.upgrade(local_plan()).unwrap()));
        assert!(matches!(tx.create(new()), Err(AccessError::NotYet(_))), "and after it");
        created = Some(tx.create(note("old"))?);
        Ok::<_, Abort<()>>(())
    });
    let committed = committed.unwrap();
    assert_eq!((committed.conflicts, committed.ts), (0, committed.ts.end_of_era()));
    let created = created.unwrap();
    assert_eq!(get(&flight.heap, created.cast::<Note>()), Note { text: "old".into(), stars: 2 });
    running.unwrap().roll_back().unwrap().wait().unwrap();
    assert_eq!(get(&flight.heap, created), note("old"));
}

/// Whoever is of the time before an upgrade, between it and its roll back, or after both, creates
/// what was current then.
#[test]
fn each_transaction_creates_what_was_current_at_its_instant() {
    let heap = Heap::new();
    create(&heap, note("a"));
    let creates = |tx: &Tx<'_>| {
        let mismatch = |error| match error {
            AccessError::NotYet(_) => "not yet",
            AccessError::StaleType(_) => "stale",
            other => panic!("{other}"),
        };
        let old = tx.create(note("b")).map(drop).map_err(mismatch);
        let new = tx.create(Note { text: "b".into(), stars: 1 }).map(drop).map_err(mismatch);
        (old, new)
    };
    let in_flight = |between: &(dyn Fn() + Sync)| {
        let mut seen = Vec::new();
        heap.atomically(|tx| {
            if seen.is_empty() {
                elsewhere(between);
                seen.push(creates(tx));
            }
            Ok(())
        })
        .unwrap();
        seen.remove(0)
    };
    let (old, new) = ((Ok(()), Err("not yet")), (Err("stale"), Ok(())));
    let of_the_first = in_flight(&|| {
        let running = heap.upgrade(local_plan()).unwrap();
        let of_the_second = in_flight(&|| drop(running.roll_back().unwrap()));
        assert_eq!(of_the_second, new);
    });
    assert_eq!(of_the_first, old);
    assert_eq!(in_flight(&|| ()), old, "after the roll back");
}

// --- one condition broken at a time --------------------------------------------------------------

#[test]
fn a_writer_of_an_unchanged_type_is_executed_again() {
    let flight = Flight::new();
    let write = |tx: &Tx<'_>, flight: &Flight| Ok(tx.modify(flight.plain, |plain| plain.0 += 1)?);
    assert!(!flight.under(local_plan(), write, nothing, write).is_late());
    assert_eq!(get(&flight.heap, flight.plain), Plain(1));
}

#[test]
fn also_if_it_writes_others_besides() {
    let flight = Flight::new();
    let old = |tx: &Tx<'_>, flight: &Flight| {
        append(tx, flight)?;
        Ok(tx.write(flight.plain, Plain(1))?)
    };
    let new = |tx: &Tx<'_>, flight: &Flight| {
        append_new(tx, flight)?;
        Ok(tx.write(flight.plain, Plain(2))?)
    };
    assert!(!flight.under(local_plan(), old, nothing, new).is_late());
    assert_eq!(flight.stars().0, "a2");
    assert_eq!(get(&flight.heap, flight.plain), Plain(2));
}

#[test]
fn a_writer_under_transformers_that_read_others_is_executed_again() {
    let flight = Flight::new();
    assert!(!flight.under(plan(), append, nothing, append_new).is_late());
    assert_eq!(flight.stars().0, "a2");
}

#[test]
fn a_writer_of_an_object_that_was_seen_in_the_new_version_is_executed_again() {
    let flight = Flight::new();
    let look = |heap: &Heap, _: &RunningUpgrade| {
        assert_eq!(get(heap, flight.note.cast::<Note>()).text, "a");
    };
    assert!(!flight.under(local_plan(), append, look, append_new).is_late());
    assert_eq!(flight.stars().0, "a2");
}

#[test]
fn a_writer_of_an_object_that_was_deleted_in_the_new_version_is_executed_again() {
    let flight = Flight::new();
    let delete = |heap: &Heap, _: &RunningUpgrade| {
        heap.atomically(|tx| Ok(tx.delete(flight.note.cast::<Note>())?)).unwrap();
    };
    let new = |tx: &Tx<'_>, flight: &Flight| {
        assert!(tx.read(flight.note.cast::<Note>()).is_err());
        tx.create(Plain(1))?;
        Ok(())
    };
    assert!(!flight.under(local_plan(), append, delete, new).is_late());
}

/// What a snapshot has listed stays the list, and what it did not find stays unfound: nothing comes
/// to be before it any more.
#[test]
fn a_writer_that_creates_is_executed_again_when_the_new_era_has_looked_what_there_is() {
    let list = |heap: &Heap| heap.snapshot(|s| s.objects::<Note>().count());
    type Look<'a> = &'a (dyn Fn(&Heap, Ref<v1::Note>) + Sync);
    let looks: [Look<'_>; 3] = [
        &|heap, _| assert_eq!(list(heap), 2),
        &|heap, created| {
            let seen = heap.snapshot(|s| s.read(created.cast::<Note>()).map(drop));
            assert_eq!(seen, Err(AccessError::Unborn));
        },
        &|heap, created| {
            let seen = heap.atomically(|tx| Ok(tx.read(created.cast::<Note>()).map(drop)));
            assert_eq!(seen, Ok(Err(AccessError::Unborn)));
        },
    ];
    for (n, look) in looks.into_iter().enumerate() {
        let flight = Flight::new();
        let heap = &flight.heap;
        let (mut executions, mut created) = (0, None);
        let mut then = None;
        heap.atomically(|tx| {
            executions += 1;
            if executions > 1 {
                tx.create(Note { text: "new".into(), stars: 1 })?;
                return Ok(());
            }
            let object = tx.create(note("new"))?;
            created = Some(object);
            elsewhere(|| {
                heap.upgrade(local_plan()).unwrap();
                then = Some(heap.hold());
                look(heap, object);
            });
            Ok(())
        })
        .unwrap();
        assert_eq!(executions, 2, "look {n}");
        assert_eq!(then.unwrap().read(|s| s.objects::<Note>().count()), 2, "look {n}");
        assert_eq!(list(heap), 3, "look {n}");
        let gone = heap.snapshot(|s| s.read(created.unwrap().cast::<Note>()).map(drop));
        assert!(gone.is_err(), "look {n}");
    }
}

/// What the old era looks at is none of its concern.
#[test]
fn a_writer_that_creates_is_late_when_only_the_old_era_has_looked() {
    let flight = Flight::new();
    let then = flight.heap.hold();
    let old = |tx: &Tx<'_>, _: &Flight| {
        tx.create(note("new"))?;
        Ok(())
    };
    let look = |_: &Heap, _: &RunningUpgrade| {
        assert_eq!(then.read(|s| s.objects::<v1::Note>().count()), 2);
    };
    assert!(flight.under(local_plan(), old, look, |_, _| Ok(())).is_late());
    assert_eq!(then.read(|s| s.objects::<v1::Note>().count()), 2);
}

/// Somebody else was late, too, and changed what it has read.
#[test]
fn a_writer_whose_reads_were_changed_before_the_flip_is_executed_again() {
    let flight = Flight::new();
    let executions = AtomicU32::new(0);
    let (heap, a, b) = (&flight.heap, flight.note, flight.other);
    std::thread::scope(|scope| {
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let (ready, is_ready) = std::sync::mpsc::channel::<()>();
        let rival = scope.spawn(move || {
            heap.transaction().run(|tx| {
                tx.modify(b, |note| note.text.push('r'))?;
                ready.send(()).unwrap();
                gone.recv().unwrap();
                Ok::<_, Abort<()>>(())
            })
        });
        is_ready.recv().unwrap();
        let mut rival = Some(rival);
        heap.atomically(|tx| {
            if executions.fetch_add(1, Ordering::Relaxed) > 0 {
                return Ok(tx.modify(a.cast::<Note>(), |note| note.text.push('2'))?);
            }
            let text = tx.read(b)?.text.clone();
            tx.modify(a, |note| note.text.push_str(&text))?;
            elsewhere(|| heap.upgrade(local_plan()).unwrap());
            go.send(()).unwrap();
            let late = rival.take().unwrap().join().unwrap().unwrap();
            assert_eq!(late.conflicts, 0, "the rival is late");
            Ok(())
        })
        .unwrap();
    });
    assert_eq!(executions.into_inner(), 2);
    assert_eq!(flight.stars().0, "a2");
}

/// Somebody of the new era was told that an object can't be transformed. A writer of the old one gave
/// it a value that can: then there was an object, in the same snapshot, where there had been none.
#[test]
fn a_writer_of_what_could_not_be_transformed_is_executed_again() {
    let heap = Heap::new();
    let bad = create(&heap, job(Script::fails()));
    let executions = AtomicU32::new(0);
    let read = |then: &upgradable::HeldSnapshot| {
        then.read(|s| s.read(bad.cast::<Job>()).map(|job| job.number))
    };
    let then = heap
        .atomically(|tx| {
            if executions.fetch_add(1, Ordering::Relaxed) > 0 {
                return Ok(None);
            }
            tx.write(bad, job(Script::fine(9)))?;
            elsewhere(|| {
                heap.upgrade(local_plan()).unwrap();
                let then = heap.hold();
                assert!(matches!(read(&then), Err(AccessError::Untransformed(_))));
                Ok(Some(then))
            })
        })
        .unwrap();
    assert!(then.is_none(), "it has committed late");
    assert_eq!(executions.into_inner(), 2);
    assert!(matches!(read(&heap.hold()), Err(AccessError::Untransformed(_))));
}

/// When everything is transformed nobody may be late any more.
#[test]
fn a_writer_that_comes_when_the_upgrade_is_complete_is_executed_again() {
    let flight = Flight::new();
    let complete = |_: &Heap, running: &RunningUpgrade| running.wait().unwrap();
    let create_old = |tx: &Tx<'_>, _: &Flight| {
        tx.create(note("new"))?;
        Ok(())
    };
    let create_new = |tx: &Tx<'_>, _: &Flight| {
        tx.create(Note { text: "new".into(), stars: 1 })?;
        Ok(())
    };
    let landed = flight.under(local_plan(), create_old, complete, create_new);
    assert!(!landed.is_late());
    landed.running.promote().unwrap();
}

/// It is judged by the upgrade that ended its own era, whatever came after that.
#[test]
fn a_writer_two_upgrades_late_commits_before_the_first() {
    let flight = Flight::new();
    let again = |heap: &Heap, _: &RunningUpgrade| {
        let null = Upgrade::to("3").refresh::<Plain>().background(Background::Off);
        heap.upgrade(null).unwrap();
    };
    assert!(flight.under(local_plan(), append, again, append_new).is_late());
    assert_eq!(flight.stars(), ("a1".into(), 2));
}

#[test]
fn one_that_writes_what_only_the_second_upgrade_changes_is_executed_again() {
    let flight = Flight::new();
    let again = |heap: &Heap, _: &RunningUpgrade| {
        let null = Upgrade::to("3").refresh::<Plain>().background(Background::Off);
        heap.upgrade(null).unwrap();
    };
    let write = |tx: &Tx<'_>, flight: &Flight| Ok(tx.modify(flight.plain, |plain| plain.0 += 1)?);
    let first = flight.heap.now();
    let landed = flight.under(local_plan(), write, again, write);
    assert_eq!(landed.executions, 2);
    assert!(landed.committed.ts > first);
}

#[test]
fn those_that_only_read_commit_whatever_happens() {
    let flight = Flight::new();
    let read = |tx: &Tx<'_>, flight: &Flight| {
        assert_eq!(tx.read(flight.note)?.text, "a");
        Ok(())
    };
    let everything = |heap: &Heap, running: &RunningUpgrade| {
        heap.atomically(|tx| Ok(tx.delete(flight.note.cast::<Note>())?)).unwrap();
        finish(running);
        heap.reclaim();
    };
    let landed = flight.under(plan(), read, everything, |_, _| panic!("executed again"));
    assert_eq!((landed.executions, landed.committed.wrote), (1, false));

    let flight = Flight::new();
    flight.heap.snapshot(|s| {
        elsewhere(|| {
            let running = flight.heap.upgrade(plan()).unwrap();
            flight.heap.atomically(|tx| append_new(tx, &flight)).unwrap();
            finish(&running);
            flight.heap.reclaim();
        });
        assert_eq!(s.read(flight.note).unwrap().text, "a");
    });
}
