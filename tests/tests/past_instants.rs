//! Versions that come to be at a past instant: late commits, and `Domain::install`.
//!
//! Neither may change what a snapshot at or after that instant has seen, and above all a value to
//! which a snapshot has given out a reference must not be dropped: an early form of the core did
//! that. The tests of that hold a reference, let such a version be put over what it refers to, and
//! look whether the value was dropped; they do not touch the value again, so they are defined
//! whatever the outcome.
//!
//! That a snapshot does not change by a late commit is up to the layer, which admits it. The
//! example in the documentation of `Layer` once admitted too much; the one that is there now is
//! tried here.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, mpsc};

use upgradable_stm::layer::{Layer, Touch, Touched, Written};
use upgradable_stm::{CommitTs, Domain, Era, Handle, HeldSnapshot, Kind, Seq, Snapshot, Stop};

/// A value that says when it is dropped.
#[derive(Debug)]
struct Value(Arc<AtomicBool>);

impl Value {
    fn new() -> (Self, Arc<AtomicBool>) {
        let dropped = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&dropped)), dropped)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Admits late commits to what later snapshots have read, which a layer must not do. They may see
/// it change, but never a value that is gone.
#[derive(Debug)]
struct Careless;

impl Layer for Careless {
    fn admits_late(&self, _: Era, _: &[Written]) -> bool {
        true
    }
}

/// Whether a value is dropped to which a reader has a reference, when a late commit has put
/// another one over it and everything is reclaimed that may be.
fn is_dropped_by_a_late_commit(
    read: impl FnOnce(&Domain, HeldSnapshot, &dyn Fn(&Snapshot<'_>)) + Send,
) -> bool {
    let domain = Domain::builder().layer(Careless).build().unwrap();
    let (value, dropped) = Value::new();
    let held = domain.tvar(value);
    let (has_read, wait_for_read) = mpsc::channel();
    let (go_on, wait_to_go_on) = mpsc::channel::<()>();
    let (report, reported) = mpsc::channel();
    std::thread::scope(|scope| {
        let (reader_domain, held) = (&domain, &held);
        let mut parts = Some((read, has_read, wait_to_go_on, report));
        let committed = domain.transaction().run(|tx| {
            if let Some((read, has_read, wait_to_go_on, report)) = parts.take() {
                let advance = domain.advance_era(|_| {}).unwrap();
                let dropped = &dropped;
                scope.spawn(move || {
                    read(reader_domain, advance.before, &|s| {
                        let _held: &Value = s.read(held);
                        has_read.send(()).unwrap();
                        wait_to_go_on.recv().unwrap();
                        report.send(dropped.load(Ordering::SeqCst)).unwrap();
                    });
                });
                wait_for_read.recv().unwrap();
            }
            Ok::<_, Stop<()>>(tx.write(held, Value::new().0))
        });
        domain.reclaim();
        go_on.send(()).unwrap();
        assert_eq!(committed.unwrap().ts.era(), Era::FIRST, "it did not commit late");
    });
    reported.recv().unwrap()
}

#[test]
fn what_a_snapshot_has_given_out_outlives_a_late_commit() {
    assert!(!is_dropped_by_a_late_commit(|domain, _, look| domain.snapshot(|s| look(s))));
    assert!(!is_dropped_by_a_late_commit(|_, before, look| before.read(|s| look(s))));
}

/// Whoever is late must have read what is newest at the end of its era. Where that is not kept,
/// nobody can say so any more, and the commit is refused; where it is, it is allowed.
#[test]
fn who_is_late_has_read_what_is_newest_at_the_end_of_the_era() {
    for (changed, kept) in [(true, false), (true, true), (false, false), (false, true)] {
        let domain = Domain::builder().layer(Careless).build().unwrap();
        let (x, y) = (domain.tvar(0), domain.tvar(0));
        let set = |n| domain.atomically(|tx| Ok(tx.write(&x, n)));
        let mut before = None;
        let committed = domain.transaction().run(|tx| {
            tx.write(&y, *tx.read(&x));
            if before.is_none() {
                let others = || {
                    if changed {
                        set(1);
                    }
                    let before = domain.advance_era(|_| {}).unwrap().before;
                    let before = kept.then_some(before);
                    set(2);
                    domain.reclaim();
                    before
                };
                before = Some(std::thread::scope(|scope| scope.spawn(others).join().unwrap()));
            }
            Ok::<_, Stop<()>>(())
        });
        let late = committed.unwrap().ts.era() == Era::FIRST;
        assert!(!late || !changed && kept, "changed: {changed}, kept: {kept}");
        assert!(late || changed || !kept || cfg!(chaos), "it may be late");
    }
}

/// The layer of the example in the documentation of [`Layer`], as it stands there.
#[derive(Debug, Default)]
struct Texts {
    /// Whether somebody looks at the last instant before the flip.
    looked_back: AtomicBool,
}

const FLIP: CommitTs = CommitTs::new(Era::FIRST.next().unwrap(), Seq::ZERO);

impl Layer for Texts {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        let Some(number) = touch.value::<u32>() else { return Touched::AsIs };
        if touch.at() >= FLIP {
            // Whether this one or somebody else's was installed, there is a text now.
            let _ = touch.install(FLIP, number.to_string());
            return Touched::Again;
        }
        if touch.at() == CommitTs::ZERO.end_of_era() {
            self.looked_back.store(true, Ordering::Relaxed);
            // The note before the look, and below the locks before the look at the note.
            fence(Ordering::SeqCst);
        }
        Touched::AsIs
    }

    fn admits_late(&self, era: Era, written: &[Written]) -> bool {
        fence(Ordering::SeqCst);
        // Whoever has seen a number after the flip has put a text over it.
        let unseen = |object: &Written| {
            object.newest.is_some_and(|(kind, stamp)| kind.is::<u32>() && stamp < FLIP)
        };
        let looked_back = self.looked_back.load(Ordering::Relaxed);
        era == Era::FIRST && !looked_back && written.iter().all(unseen)
    }
}

/// What a reader saw of an object, before and after somebody who had begun before the flip wrote
/// it; and the era in which that was committed.
type Looks = (String, String, Era);

fn look_around_a_late_commit(
    read: impl FnOnce(&Domain, HeldSnapshot, &dyn Fn(&Snapshot<'_>)) + Send,
) -> Looks {
    let domain = Domain::builder().layer(Texts::default()).build().unwrap();
    let name = domain.atomically(|tx| Ok(tx.create(0_u32)));
    let look = |s: &Snapshot<'_>| {
        s.get::<u32>(name).map(u32::to_string).or_else(|_| s.get::<String>(name).cloned()).unwrap()
    };
    let (has_read, wait_for_read) = mpsc::channel();
    let (go_on, wait_to_go_on) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let mut parts = Some((read, has_read, wait_to_go_on));
        let mut reader = None;
        let committed = domain.transaction().run(|tx| {
            let Some((read, has_read, wait_to_go_on)) = parts.take() else {
                return tx.put(name, "1".to_owned()).map_err(Stop::Cancel);
            };
            let floor = |_| domain.set_floor(Kind::of::<u32>(), FLIP);
            let before = domain.advance_era(floor).unwrap().before;
            let (domain, look) = (&domain, &look);
            reader = Some(scope.spawn(move || {
                let seen = Mutex::new((String::new(), String::new()));
                read(domain, before, &|s| {
                    let first = look(s);
                    has_read.send(()).unwrap();
                    wait_to_go_on.recv().unwrap();
                    *seen.lock().unwrap() = (first, look(s));
                });
                seen.into_inner().unwrap()
            }));
            wait_for_read.recv().unwrap();
            tx.put(name, 1_u32).map_err(Stop::Cancel)
        });
        go_on.send(()).unwrap();
        let (before, after) = reader.unwrap().join().unwrap();
        (before, after, committed.unwrap().ts.era())
    })
}

#[test]
fn a_snapshot_does_not_change_by_a_late_commit() {
    let in_the_new_era = look_around_a_late_commit(|domain, _, look| domain.snapshot(|s| look(s)));
    let at_the_end_of_the_old =
        look_around_a_late_commit(|_, before, look| before.read(|s| look(s)));
    for (before, after, committed) in [in_the_new_era, at_the_end_of_the_old] {
        assert_eq!(before, "0");
        assert_eq!(after, before, "the snapshot saw two instants");
        assert_eq!(committed, FLIP.era());
    }
}

#[test]
fn what_a_snapshot_has_given_out_outlives_an_installation() {
    let domain = Domain::new();
    let (name, dropped): (Handle, _) = domain.atomically(|tx| {
        let (value, dropped) = Value::new();
        Ok((tx.create(value), dropped))
    });
    let over = domain.snapshot(|s| s.version(name)).unwrap().stamp;
    let flip = domain.advance_era(|_| {}).unwrap().flip;
    domain.snapshot(|s| {
        let _seen = s.get::<Value>(name).unwrap();
        // Refused or not, what the snapshot has given out must stay.
        let _ = domain.install(name, over, flip, Value::new().0);
        std::thread::scope(|scope| scope.spawn(|| domain.reclaim()).join().unwrap());
        assert!(!dropped.load(Ordering::SeqCst), "dropped while a reference to it is held");
    });
}
