//! The ends of things: of values, threads and heaps, at inconvenient moments.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::Duration;

use upgradable::{
    AccessError, Background, Cx, Heap, OnFailure, Pace, Profile, Ref, RunningUpgrade,
    TransformError, TxError, Upgradable, Upgrade, UpgradeFrom, UpgradeState,
};

use crate::common::*;

/// Runs a closure when it is dropped.
#[derive(Clone)]
struct OnDrop(Arc<dyn Fn() + Send + Sync>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        (self.0)();
    }
}

mod old {
    use super::OnDrop;
    use upgradable::Upgradable;

    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.Fuse")]
    pub(super) struct Fuse {
        pub(super) fuse: OnDrop,
    }
}

/// Its transformer makes a new fuse, and has no way back: old values go as soon as they can.
#[derive(Upgradable, Clone)]
#[upgrade(name = "test.Fuse", version = 2, from = old::Fuse, manual)]
struct Fuse {
    fuse: OnDrop,
}

impl UpgradeFrom<old::Fuse> for Fuse {
    const PROFILE: Profile = Profile::one_way("for a test");

    fn upgrade_from(old: &old::Fuse, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(Self { fuse: old.fuse.clone() })
    }
}

fn fuses() -> Upgrade {
    Upgrade::to("2").migrate::<old::Fuse, Fuse>().background(Background::Off)
}

/// Counts in an object of the same heap how often it was dropped outside of transactions, and
/// elsewhere how often it was inside, where it may not.
#[derive(Clone)]
struct Counts {
    heap: Heap,
    counter: Ref<Plain>,
    refused: Arc<AtomicU32>,
}

impl Counts {
    fn new(heap: &Heap) -> Self {
        let counter = create(heap, Plain(0));
        Self { heap: heap.clone(), counter, refused: Arc::default() }
    }

    fn fuse(&self) -> OnDrop {
        let Self { heap, counter, refused } = self.clone();
        OnDrop(Arc::new(move || {
            match heap.atomically(|tx| Ok(tx.modify(counter, |plain| plain.0 += 1)?)) {
                Ok(()) => {}
                Err(TxError::Nested) => drop(refused.fetch_add(1, Ordering::Relaxed)),
                Err(error) => panic!("{error}"),
            }
        }))
    }

    fn counted(&self) -> u32 {
        get(&self.heap, self.counter).0
    }

    fn refused(&self) -> u32 {
        self.refused.load(Ordering::Relaxed)
    }
}

#[test]
fn a_drop_begins_a_transaction_on_the_same_heap() {
    watched(|| {
        let heap = Heap::new();
        let counts = Counts::new(&heap);
        let object = create(&heap, old::Fuse { fuse: counts.fuse() });
        // (`create` works on a copy, and drops the original.)
        let before = counts.counted() + counts.refused();
        let mut written = 0;
        for _ in 0..300 {
            heap.atomically(|tx| {
                written += 2;
                tx.write(object, old::Fuse { fuse: counts.fuse() })?;
                tx.write(object, old::Fuse { fuse: counts.fuse() })?;
                Ok(())
            })
            .unwrap();
        }
        heap.reclaim();
        assert_eq!(counts.counted() + counts.refused() - before, written);
        heap.atomically(|tx| Ok(tx.delete(object)?)).unwrap();
        heap.reclaim();
        assert_eq!(counts.counted() + counts.refused() - before, written + 1);
        assert_eq!(heap.stats().drop_panics, 0);
    });
}

/// Lazily, eagerly, with time limits, by the background: old values end in all of them.
#[test]
fn a_drop_begins_a_transaction_in_the_midst_of_an_upgrade() {
    let plans: [fn() -> Upgrade; 7] = [
        fuses,
        || fuses().eager(1),
        || fuses().eager(3),
        || fuses().eager(3).time_limit(LIMIT),
        || fuses().eager(usize::MAX),
        || fuses().time_limit(LIMIT),
        || fuses().background(Background::On(Pace::Full)),
    ];
    for plan in plans {
        watched(move || {
            let heap = Heap::new();
            let counts = Counts::new(&heap);
            let objects: Vec<_> =
                (0..50).map(|_| create(&heap, old::Fuse { fuse: counts.fuse() })).collect();
            let running = heap.upgrade(plan()).unwrap();
            for object in &objects[..10] {
                let fuse = object.cast::<Fuse>();
                heap.atomically(|tx| Ok(tx.write(fuse, Fuse { fuse: counts.fuse() })?)).unwrap();
            }
            finish(&running);
            // The background may be at it.
            while counts.counted() + counts.refused() < 50 + 50 {
                heap.reclaim();
                std::thread::yield_now();
            }
            assert_eq!(heap.stats().drop_panics, 0);
        });
    }
}

/// Values that hold their own heap keep it alive, until they are taken out of it.
#[test]
fn a_value_that_holds_its_own_heap_keeps_it_until_it_goes() {
    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.Holder")]
    struct Holder {
        _heap: Option<Heap>,
        _counted: Counted,
    }

    watched(|| {
        let census = Census::default();
        let heap = Heap::new();
        let holder = heap.atomically(|tx| {
            Ok(tx.create(Holder { _heap: Some(heap.clone()), _counted: census.count() })?)
        });
        let holder = holder.unwrap();
        let other = heap.clone();
        drop(heap);
        assert_eq!(census.alive(), 1);
        let none = |tx: &upgradable::Tx<'_>| Ok(tx.modify(holder, |holder| holder._heap = None)?);
        other.atomically(none).unwrap();
        other.reclaim();
        drop(other);
        assert_eq!(census.alive(), 0);
    });
}

/// The last name of a heap in a value of another heap, which goes, too; and the other way round.
#[test]
fn heaps_that_hold_each_other_go_together() {
    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.Other")]
    struct Other {
        heap: Heap,
    }

    watched(|| {
        let census = Census::default();
        let (outer, inner) = (Heap::new(), Heap::new());
        for n in 0..20 {
            let script = {
                let counted = census.count();
                Script::new(move |_| {
                    let _ = &counted;
                    Ok(n)
                })
            };
            create(&inner, job(script));
        }
        let running = inner.upgrade(local_plan().background(Background::On(Pace::Full))).unwrap();
        let holder = create(&outer, Other { heap: inner });
        drop(running);
        assert!(get(&outer, holder).heap.stats().drop_panics == 0);
        drop(outer);
        // The background migration may be the last one to leave.
        until(|| census.alive() == 0);
    });
}

// --- threads -------------------------------------------------------------------------------------

type AtEnd = Box<dyn FnOnce()>;

struct Ending(RefCell<Option<AtEnd>>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(run) = self.0.borrow_mut().take() {
            run();
        }
    }
}

thread_local! {
    static EARLY: Ending = const { Ending(RefCell::new(None)) };
    static LATE: Ending = const { Ending(RefCell::new(None)) };
}

/// Runs `before` on a thread, and `at_end` when its thread-locals go: before those of this crate
/// have gone, and after that.
fn at_the_end_of_a_thread(
    before: impl FnOnce() + Send + 'static,
    at_end: impl Fn() + Send + Clone + 'static,
) {
    let thread = thread::spawn(move || {
        // Whoever comes first goes last.
        let run = at_end.clone();
        EARLY.with(|ending| *ending.0.borrow_mut() = Some(Box::new(run)));
        before();
        LATE.with(|ending| *ending.0.borrow_mut() = Some(Box::new(at_end)));
    });
    thread.join().unwrap();
}

/// First touches, failures and time limits, all at the end of a thread.
#[test]
fn a_thread_touches_objects_when_it_ends() {
    let limits = [None, Some(LIMIT)];
    for (limit, policy) in limits
        .into_iter()
        .flat_map(|limit| [OnFailure::Fail, OnFailure::Quarantine].map(|policy| (limit, policy)))
    {
        watched(move || {
            let heap = Heap::new();
            let jobs: Vec<_> = (0..4).map(|n| create(&heap, job(Script::fine(n)))).collect();
            let bad = create(&heap, job(Script::fails()));
            let mut plan = local_plan().on_failure(policy);
            if let Some(limit) = limit {
                plan = plan.time_limit(limit);
            }
            let running = heap.upgrade(plan).unwrap();
            let next = Arc::new(AtomicU32::new(0));
            let touch = {
                let (heap, jobs) = (heap.clone(), jobs.clone());
                move || {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    assert_eq!(number(&heap, jobs[n as usize]), Ok(n));
                    assert!(matches!(number(&heap, bad), Err(AccessError::Untransformed(_))));
                    let own = heap.atomically(|tx| {
                        tx.modify(jobs[n as usize].cast::<Job>(), |job| job.number += 10)?;
                        Ok(tx.create(Plain(n))?)
                    });
                    assert_eq!(get(&heap, own.unwrap()), Plain(n));
                }
            };
            at_the_end_of_a_thread(touch.clone(), touch);
            assert_eq!(heap.snapshot(|s| s.objects::<Plain>().count()), 3);
            assert_eq!(running.failures().len(), 1);
        });
    }
}

/// An upgrade, its completion, its way back and the heap's own end.
#[test]
fn a_thread_upgrades_when_it_ends() {
    watched(|| {
        let heap = Heap::new();
        let text = create(&heap, note("a"));
        let whole_life = {
            let heap = heap.clone();
            move || {
                let running = heap.upgrade(local_plan()).unwrap();
                running.wait().unwrap();
                running.roll_back().unwrap().wait().unwrap();
                assert_eq!(get(&heap, text), note("a"));
            }
        };
        at_the_end_of_a_thread(whole_life.clone(), whole_life);
        let census = Census::default();
        let own = Heap::new();
        let counted = census.count();
        create(&own, job(Script::new(move |_| Ok(drop(counted.clone())).map(|()| 1))));
        let running = own.upgrade(local_plan()).unwrap();
        let last = Arc::new(std::sync::Mutex::new(Some((own, running))));
        at_the_end_of_a_thread(|| (), move || drop(last.lock().unwrap().take()));
        assert_eq!(census.alive(), 0);
    });
}

// --- heaps ---------------------------------------------------------------------------------------

/// Upgrades pending, threads inside of transactions, snapshots held: whoever is last ends it all.
#[test]
fn a_heap_is_let_go_with_upgrades_pending_and_threads_inside() {
    watched(|| {
        let census = Census::default();
        let heap = Heap::new();
        let counted = |n| {
            let counted = census.count();
            job(Script::new(move |_| {
                let _ = &counted;
                Ok(n)
            }))
        };
        let jobs: Vec<_> = (0..50).map(|n| create(&heap, counted(n))).collect();
        let running = heap.upgrade(plan().background(Background::On(Pace::Share(0.01)))).unwrap();
        let barrier = Arc::new(Barrier::new(4));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (heap, jobs, barrier) = (heap.clone(), jobs.clone(), barrier.clone());
                thread::spawn(move || {
                    let held = heap.hold();
                    let sum = heap.snapshot(|s| {
                        barrier.wait();
                        barrier.wait();
                        let numbers = jobs.iter().map(|job| s.read(job.cast::<Job>()));
                        numbers.map(|job| job.unwrap().number).sum::<u32>()
                    });
                    drop(heap);
                    let again = held.read(|s| s.read(jobs[3].cast::<Job>()).unwrap().number);
                    (sum, again)
                })
            })
            .collect();
        barrier.wait();
        drop((heap, running));
        barrier.wait();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), (49 * 25, 3));
        }
        until(|| census.alive() == 0);
    });
}

/// What is never dropped ends nothing, and keeps nobody.
#[test]
fn what_is_leaked_is_only_leaked() {
    watched(|| {
        let heap = Heap::new();
        let text = create(&heap, note("a"));
        std::mem::forget(heap.hold());
        thread::scope(|scope| {
            scope.spawn(|| std::mem::forget(heap.hold()));
        });
        let running = heap.upgrade(local_plan()).unwrap();
        std::mem::forget(running.clone());
        heap.snapshot(|s| {
            std::mem::forget(s.objects::<Note>());
            std::mem::forget(heap.hold());
        });
        heap.atomically(|tx| {
            std::mem::forget(heap.hold());
            tx.modify(text.cast::<Note>(), |note| {
                std::mem::forget(std::mem::take(&mut note.text));
                note.stars = 3;
            })?;
            Ok(())
        })
        .unwrap();
        finish(&running);
        // A snapshot of the undone version that is never let go: the way back goes on without it,
        // and is never complete.
        let again = heap.upgrade(Upgrade::to("again").refresh::<Note>()).unwrap();
        again.wait().unwrap();
        std::mem::forget(heap.hold());
        let back = again.roll_back().unwrap();
        assert!(back.wait_timeout(Duration::from_millis(30)).is_err());
        assert_eq!(get(&heap, text.cast::<Note>()).stars, 3);
        assert_eq!(again.state(), UpgradeState::RollingBack);
    });
}

/// Somebody ends it between any two steps.
#[test]
fn the_handle_of_an_upgrade_goes_at_any_time() {
    watched(|| {
        let shared = Arc::new(OnceLock::new());
        let heap = Heap::new();
        let jobs: Vec<_> = (0..40).map(|n| create(&heap, job(Script::fine(n)))).collect();
        drop(heap.upgrade(local_plan()).unwrap());
        assert_eq!(number(&heap, jobs[7]), Ok(7));
        let flat: RunningUpgrade = heap.upgrade(Upgrade::to("3").refresh::<Job>()).unwrap();
        let _ = shared.set(flat.clone());
        drop(flat);
        for (n, &job) in jobs.iter().enumerate() {
            assert_eq!(number(&heap, job), Ok(n as u32));
        }
        let _ = shared.get().map(RunningUpgrade::pause);
        drop(shared);
        drop(heap);
    });
}
