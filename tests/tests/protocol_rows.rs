//! The rules of the protocol, one test for each: what goes wrong without it was found by exploring
//! a model of the protocol, and must not happen in the code. The table is in
//! `docs/correctness-upgrades.md`.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

use upgradable::{
    Abort, Background, Committed, Cx, Era, Heap, Pace, Profile, Ref, RunningUpgrade,
    TransformError, Tx, Upgradable, Upgrade, UpgradeFrom,
};

mod v1 {
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Barrier};

    use upgradable::{Ref, Upgradable};

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "rows.Local")]
    pub(crate) struct Local(pub(crate) i64);

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "rows.Reader")]
    pub(crate) struct Reader {
        pub(crate) n: i64,
        pub(crate) other: Option<Ref<Reader>>,
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "rows.Split")]
    pub(crate) struct Split(pub(crate) i64);

    #[derive(Upgradable, Clone, Debug)]
    #[upgrade(name = "rows.Slow")]
    pub(crate) struct Slow(pub(crate) Arc<Barrier>);

    #[derive(Upgradable, Clone, Debug)]
    #[upgrade(name = "rows.Moody")]
    pub(crate) struct Moody(pub(crate) Arc<AtomicBool>);
}

mod v2 {
    use upgradable::Upgradable;

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(from = super::v1::Local)]
    pub(crate) struct Local(
        #[upgrade(with = |n: &i64| *n * 10, back = |n: &i64| *n / 10)] pub(crate) i64,
    );
}

mod v3 {
    use upgradable::Upgradable;

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(from = super::v2::Local)]
    pub(crate) struct Local(
        #[upgrade(with = |n: &i64| *n + 1, back = |n: &i64| *n - 1)] pub(crate) i64,
    );
}

/// Never migrated here.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "rows.Unchanged")]
struct Unchanged(i64);

/// Reads its neighbour as of the flip.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Reader, manual)]
struct Reader {
    n: i64,
    other: Option<i64>,
}

impl UpgradeFrom<v1::Reader> for Reader {
    const PROFILE: Profile = Profile::one_way("the other one is forgotten").reading_others();

    fn upgrade_from(old: &v1::Reader, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        let other =
            old.other.map(|other| Ok::<_, TransformError>(cx.read(other)?.n)).transpose()?;
        Ok(Self { n: old.n, other })
    }
}

/// Gives its number to an object of its own.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Split, manual)]
struct Split(Ref<Unchanged>);

impl UpgradeFrom<v1::Split> for Split {
    const PROFILE: Profile = Profile::one_way("not needed");

    fn upgrade_from(old: &v1::Split, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        thread::yield_now();
        Ok(Self(cx.create(Unchanged(old.0))?))
    }
}

/// Says when it is transformed, and waits for leave.
#[derive(Upgradable, Clone, Debug)]
#[upgrade(from = v1::Slow, manual)]
struct Slow(Arc<Barrier>);

impl UpgradeFrom<v1::Slow> for Slow {
    const PROFILE: Profile = Profile::one_way("not needed");

    fn upgrade_from(old: &v1::Slow, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        old.0.wait();
        old.0.wait();
        Ok(Self(Arc::clone(&old.0)))
    }
}

/// Is transformed when it likes to be.
#[derive(Upgradable, Clone, Debug)]
#[upgrade(from = v1::Moody, manual)]
struct Moody(Arc<AtomicBool>);

impl UpgradeFrom<v1::Moody> for Moody {
    const PROFILE: Profile = Profile::one_way("not needed");

    fn upgrade_from(old: &v1::Moody, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        if old.0.load(Ordering::Relaxed) { Ok(Self(Arc::clone(&old.0))) } else { Err("no".into()) }
    }
}

fn lazily(plan: Upgrade) -> Upgrade {
    plan.background(Background::Off)
}

fn to_v2() -> Upgrade {
    lazily(Upgrade::to("2").migrate::<v1::Local, v2::Local>())
}

fn create<T: Upgradable>(heap: &Heap, value: T) -> Ref<T> {
    heap.atomically(|tx| Ok(tx.create(value.clone())?)).unwrap()
}

fn read<T: Upgradable>(heap: &Heap, object: Ref<T>) -> T {
    heap.snapshot(|s| s.read(object).cloned()).unwrap()
}

/// Does something on another thread, in the middle of a transaction.
fn elsewhere<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(f).join()).unwrap()
}

/// Runs a transaction of the era in which it begins; `between` happens between its work and its
/// commit. Says how it ended, and how often it was executed.
fn overtaken(
    heap: &Heap,
    work: impl Fn(&Tx<'_>, Era) -> Result<(), Abort<()>>,
    between: impl FnOnce() + Send,
) -> (Committed<()>, u32) {
    let (mut between, mut executions) = (Some(between), 0);
    let committed = heap.transaction().run(|tx| {
        executions += 1;
        work(tx, tx.at().era())?;
        if let Some(between) = between.take() {
            elsewhere(between);
        }
        Ok(())
    });
    (committed.unwrap(), executions)
}

fn upgrade(heap: &Heap, plan: Upgrade) -> RunningUpgrade {
    heap.upgrade(plan).unwrap()
}

fn is_late<R>(committed: &Committed<R>) -> bool {
    committed.ts == committed.ts.end_of_era()
}

/// Adds one to an object, as the era knows it.
fn add(tx: &Tx<'_>, object: Ref<v1::Local>, era: Era) -> Result<(), Abort<()>> {
    match era.get() {
        0 => tx.modify(object, |object| object.0 += 1)?,
        _ => tx.modify(object.cast::<v2::Local>(), |object| object.0 += 1)?,
    }
    Ok(())
}

#[test]
fn a_writer_of_unchanged_objects_does_not_commit_in_the_next_era() {
    let heap = Heap::new();
    let (local, unchanged) = (create(&heap, v1::Local(1)), create(&heap, Unchanged(1)));
    let write = |tx: &Tx<'_>, _| Ok(tx.modify(unchanged, |unchanged| unchanged.0 += 1)?);
    let (committed, executions) = overtaken(&heap, write, || drop(upgrade(&heap, to_v2())));
    assert_eq!((executions, committed.ts.era().get()), (2, 1));
    assert_eq!(read(&heap, unchanged), Unchanged(2));
    assert_eq!(read(&heap, local.cast::<v2::Local>()), v2::Local(10));
}

#[test]
fn a_writer_of_untouched_objects_commits_just_before_the_flip() {
    let heap = Heap::new();
    let local = create(&heap, v1::Local(1));
    let write = |tx: &Tx<'_>, era| add(tx, local, era);
    let (committed, executions) = overtaken(&heap, write, || drop(upgrade(&heap, to_v2())));
    assert!(is_late(&committed) && executions == 1);
    assert_eq!(read(&heap, local.cast::<v2::Local>()), v2::Local(20));
}

/// A read-only transaction of the new era has seen it: it leaves a trace.
#[test]
fn a_read_in_the_new_era_refuses_late_writers() {
    let heap = Heap::new();
    let local = create(&heap, v1::Local(1));
    let write = |tx: &Tx<'_>, era| add(tx, local, era);
    let (committed, executions) = overtaken(&heap, write, || {
        upgrade(&heap, to_v2());
        assert_eq!(read(&heap, local.cast::<v2::Local>()), v2::Local(10));
    });
    assert!(!is_late(&committed) && executions == 2);
    assert_eq!(read(&heap, local.cast::<v2::Local>()), v2::Local(11));
}

/// G1: what the upgrade does not migrate may have been seen in the new era without a trace.
#[test]
fn a_late_writer_of_one_unchanged_object_is_refused() {
    let heap = Heap::new();
    let (local, unchanged) = (create(&heap, v1::Local(1)), create(&heap, Unchanged(1)));
    let write = |tx: &Tx<'_>, era| {
        tx.modify(unchanged, |unchanged| unchanged.0 += 1)?;
        add(tx, local, era)
    };
    let mut seen = None;
    let (committed, executions) = overtaken(&heap, write, || {
        upgrade(&heap, to_v2());
        seen = Some(read(&heap, unchanged));
    });
    assert!(!is_late(&committed) && executions == 2);
    assert_eq!((seen, read(&heap, unchanged)), (Some(Unchanged(1)), Unchanged(2)));
}

/// G2: another object's transformer may have read it as of the flip.
#[test]
fn a_late_writer_is_refused_when_transformers_read() {
    let heap = Heap::new();
    let read_by_other = create(&heap, v1::Reader { n: 1, other: None });
    let reader = create(&heap, v1::Reader { n: 2, other: Some(read_by_other) });
    let write = |tx: &Tx<'_>, era: Era| {
        match era.get() {
            0 => tx.modify(read_by_other, |object| object.n += 100)?,
            _ => tx.modify(read_by_other.cast::<Reader>(), |object| object.n += 100)?,
        }
        Ok(())
    };
    let (committed, executions) = overtaken(&heap, write, || {
        upgrade(&heap, lazily(Upgrade::to("2").migrate::<v1::Reader, Reader>()));
        // Transforms the reader only, which reads the other one's old version.
        assert_eq!(read(&heap, reader.cast::<Reader>()).other, Some(1));
    });
    assert!(!is_late(&committed) && executions == 2);
    assert_eq!(read(&heap, read_by_other.cast::<Reader>()).n, 101);
}

/// G3: what a late writer has read must be newest of its own era.
#[test]
fn a_late_writer_with_an_old_read_is_refused() {
    let heap = Heap::new();
    let (x, y) = (create(&heap, v1::Local(1)), create(&heap, v1::Local(1)));
    let write = |tx: &Tx<'_>, era: Era| {
        if era.get() == 0 {
            tx.read(x)?;
        } else {
            tx.read(x.cast::<v2::Local>())?;
        }
        add(tx, y, era)
    };
    let (committed, executions) = overtaken(&heap, write, || {
        heap.atomically(|tx| Ok(tx.modify(x, |x| x.0 = 7)?)).unwrap();
        upgrade(&heap, to_v2());
    });
    assert!(!is_late(&committed) && executions == 2);
}

/// And what was written to it in the new era does not count.
#[test]
fn a_late_writer_may_have_read_what_the_new_era_writes() {
    let heap = Heap::new();
    let (x, y) = (create(&heap, v1::Local(1)), create(&heap, v1::Local(1)));
    let write = |tx: &Tx<'_>, era: Era| {
        tx.read(x)?;
        add(tx, y, era)
    };
    let (committed, executions) = overtaken(&heap, write, || {
        upgrade(&heap, to_v2());
        let x = x.cast::<v2::Local>();
        heap.atomically(|tx| Ok(tx.modify(x, |x| x.0 = 7)?)).unwrap();
    });
    assert!(is_late(&committed) && executions == 1);
    assert_eq!(read(&heap, y.cast::<v2::Local>()), v2::Local(20));
}

/// Nor what is left of it: what was newest at the flip counts, also where it has been written over
/// since, nobody else sees it, and the upgrade can't be undone and needs nothing of the time before.
#[test]
fn a_late_writer_has_read_what_was_newest_at_the_flip() {
    let heap = Heap::new();
    let (local, unchanged) = (create(&heap, v1::Local(1)), create(&heap, Unchanged(0)));
    let write = |tx: &Tx<'_>, era: Era| {
        let n = tx.read(unchanged)?.0;
        match era.get() {
            0 => tx.modify(local, |local| local.0 += n)?,
            _ => tx.modify(local.cast::<v2::Local>(), |local| local.0 += n * 10)?,
        }
        Ok(())
    };
    let (committed, _) = overtaken(&heap, write, || {
        let set = |n| heap.atomically(|tx| Ok(tx.write(unchanged, Unchanged(n))?)).unwrap();
        set(1);
        upgrade(&heap, to_v2().migrate::<v1::Moody, Moody>());
        set(2);
        heap.reclaim();
    });
    assert!(!is_late(&committed), "it has not seen what was committed before the flip");
    assert_eq!(read(&heap, local.cast::<v2::Local>()), v2::Local(30));
}

/// Two that each read what the other writes: both are late, and one of them is refused.
#[test]
fn late_writers_that_cross_do_not_both_commit_before_the_flip() {
    let heap = Heap::new();
    let (x, y) = (create(&heap, v1::Local(0)), create(&heap, v1::Local(0)));
    let (flip, flipped) = (Barrier::new(3), Barrier::new(3));
    let cross = |read: Ref<v1::Local>, written: Ref<v1::Local>| {
        let mut first = true;
        let committed = heap.transaction().run(|tx| {
            let era = tx.at().era();
            let n = match era.get() {
                0 => tx.read(read)?.0,
                _ => tx.read(read.cast::<v2::Local>())?.0,
            };
            if n == 0 {
                add(tx, written, era)?;
            }
            if std::mem::take(&mut first) {
                flip.wait();
                flipped.wait();
            }
            Ok::<_, Abort<()>>(())
        });
        committed.unwrap()
    };
    let late = thread::scope(|scope| {
        let both = [scope.spawn(|| cross(x, y)), scope.spawn(|| cross(y, x))];
        flip.wait();
        upgrade(&heap, to_v2());
        flipped.wait();
        both.map(|one| is_late(&one.join().unwrap()))
    });
    let sum = [x, y].map(|one| read(&heap, one.cast::<v2::Local>()).0).iter().sum::<i64>();
    assert!(sum == 10 || sum == 1, "each saw a zero and wrote: {sum}, late: {late:?}");
    assert!(!(late[0] && late[1]));
}

/// The first flip out of the writer's era judges it, not the newest.
#[test]
fn a_late_writer_is_judged_by_the_flip_that_ended_its_era() {
    // The first flip migrates what is written, the second does not: late.
    let heap = Heap::new();
    let (local, _) = (create(&heap, v1::Local(1)), create(&heap, Unchanged(1)));
    let other = || lazily(Upgrade::to("other").refresh::<Unchanged>());
    let write = |tx: &Tx<'_>, era| add(tx, local, era);
    let (committed, _) = overtaken(&heap, write, || {
        upgrade(&heap, to_v2());
        upgrade(&heap, other());
    });
    assert!(is_late(&committed) && committed.ts.era().get() == 0);
    assert_eq!(read(&heap, local.cast::<v2::Local>()), v2::Local(20));

    // The other way round: the era between may have seen it, and nobody could tell.
    let heap = Heap::new();
    let (local, _) = (create(&heap, v1::Local(1)), create(&heap, Unchanged(1)));
    let write = |tx: &Tx<'_>, era: Era| add(tx, local, Era::new(era.get() / 2).unwrap());
    let (committed, executions) = overtaken(&heap, write, || {
        upgrade(&heap, other());
        assert_eq!(read(&heap, local), v1::Local(1));
        upgrade(&heap, to_v2());
    });
    assert!(!is_late(&committed) && executions == 2);
    assert_eq!(read(&heap, local.cast::<v2::Local>()), v2::Local(11));
}

#[test]
fn what_only_the_earlier_of_two_upgrades_migrates_is_transformed() {
    let heap = Heap::new();
    let (local, unchanged) = (create(&heap, v1::Local(1)), create(&heap, Unchanged(1)));
    upgrade(&heap, to_v2());
    upgrade(&heap, lazily(Upgrade::to("other").refresh::<Unchanged>()));
    assert_eq!(read(&heap, local.cast::<v2::Local>()), v2::Local(10));
    assert_eq!(read(&heap, unchanged), Unchanged(1));
}

/// One version for each flip: a transaction of the era between finds its own.
#[test]
fn who_is_between_two_flips_finds_the_version_between() {
    let heap = Heap::new();
    let local = create(&heap, v1::Local(1));
    upgrade(&heap, to_v2());
    let between = heap.hold();
    upgrade(&heap, lazily(Upgrade::to("3").migrate::<v2::Local, v3::Local>()));
    let newest = local.cast::<v3::Local>();
    heap.atomically(|tx| Ok(tx.modify(newest, |local| local.0 += 1)?)).unwrap();
    heap.reclaim();
    assert_eq!(read(&heap, newest), v3::Local(12));
    let seen = between.read(|s| s.read(local.cast::<v2::Local>()).cloned());
    assert_eq!(seen, Ok(v2::Local(10)));
}

/// Also where the types say nothing about the order.
#[test]
fn each_of_two_null_upgrades_writes_an_object_once() {
    let heap = Heap::new();
    let local = create(&heap, v1::Local(1));
    let [first, second] =
        ["2", "3"].map(|name| upgrade(&heap, lazily(Upgrade::to(name).refresh::<v1::Local>())));
    assert_eq!(read(&heap, local), v1::Local(1));
    assert_eq!([first, second].map(|flip| flip.progress().transformed()), [1, 1]);
}

/// The old object is converted first: a reader between the flip and a blind write finds a version.
#[test]
fn a_blind_write_leaves_the_transformed_version_below() {
    let heap = Heap::new();
    let local = create(&heap, v1::Local(1));
    upgrade(&heap, to_v2());
    let before = heap.hold();
    let new = local.cast::<v2::Local>();
    heap.atomically(|tx| Ok(tx.write(new, v2::Local(77))?)).unwrap();
    assert_eq!(before.read(|s| s.read(new).cloned()), Ok(v2::Local(10)));
    assert_eq!(read(&heap, new), v2::Local(77));
}

/// Transformers that read each other's objects, touched at the same time from both sides.
#[test]
fn transformers_that_read_in_a_circle_do_not_wait_for_each_other() {
    for _ in 0..50 {
        let heap = Heap::new();
        let ring = heap
            .atomically(|tx| {
                let a = tx.create(v1::Reader { n: 1, other: None })?;
                let b = tx.create(v1::Reader { n: 2, other: Some(a) })?;
                tx.modify(a, |a| a.other = Some(b))?;
                Ok([a, b])
            })
            .unwrap();
        upgrade(&heap, lazily(Upgrade::to("2").migrate::<v1::Reader, Reader>()));
        let start = Barrier::new(2);
        let seen = thread::scope(|scope| {
            let touch = |object: Ref<v1::Reader>| {
                start.wait();
                read(&heap, object.cast::<Reader>())
            };
            let other = scope.spawn(move || touch(ring[1]));
            let one = touch(ring[0]);
            [one, other.join().unwrap()]
        });
        assert_eq!(seen.map(|reader| (reader.n, reader.other)), [(1, Some(2)), (2, Some(1))]);
    }
}

/// First touch installs by compare-exchange: of several transformed values one stands.
#[test]
fn of_many_first_touches_one_is_installed() {
    for _ in 0..50 {
        let heap = Heap::new();
        let splits: Vec<_> = (0..8).map(|n| create(&heap, v1::Split(n))).collect();
        let plan = Upgrade::to("2").migrate::<v1::Split, Split>();
        let plan = plan.background(Background::On(Pace::Full));
        let start = Barrier::new(3);
        let running = upgrade(&heap, plan);
        let seen = thread::scope(|scope| {
            let look = || {
                start.wait();
                heap.snapshot(|s| {
                    let part = |split: &Ref<v1::Split>| s.read(split.cast::<Split>()).unwrap().0;
                    splits.iter().map(part).collect::<Vec<_>>()
                })
            };
            let threads = [(); 3].map(|()| scope.spawn(look));
            threads.map(|thread| thread.join().unwrap()).into_iter().collect::<BTreeSet<_>>()
        });
        assert_eq!(seen.len(), 1, "everybody sees the same parts");
        running.wait().unwrap();
        assert_eq!(
            heap.snapshot(|s| s.objects::<Unchanged>().count()),
            8,
            "and there are no others"
        );
        assert_eq!(running.progress().transformed(), 8);
    }
}

/// A writer that has its lock, and a first touch: the touch waits, and finds what was written.
#[test]
fn a_first_touch_beside_a_committing_writer_loses_nothing() {
    let heap = Heap::new();
    let objects: Vec<_> = (0..64).map(|_| create(&heap, v1::Local(0))).collect();
    let (objects, heap) = (&objects, &heap);
    let (count, counted) = channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut added = 0_u32;
            'all: for _ in 0..200 {
                for &object in objects {
                    let era = heap.atomically(|tx| {
                        let era = tx.at().era();
                        if era.get() == 0 {
                            tx.modify(object, |object| object.0 += 1)?;
                        }
                        Ok(era)
                    });
                    if era.unwrap().get() > 0 {
                        break 'all;
                    }
                    added += 1;
                }
            }
            count.send(added).unwrap();
        });
        thread::yield_now();
        upgrade(heap, to_v2());
        // In the order of the writer, and at its heels.
        let sum = |heap| {
            objects.iter().map(|object| read(heap, object.cast::<v2::Local>()).0).sum::<i64>()
        };
        let seen = sum(heap);
        assert_eq!(seen, i64::from(counted.recv().unwrap()) * 10);
        assert_eq!(sum(heap), seen);
    });
}

/// While an upgrade with reading transformers is unfinished, its instant is live.
#[test]
fn the_instant_of_the_flip_is_kept_until_nothing_is_left_to_read_at_it() {
    let heap = Heap::new();
    let other = create(&heap, v1::Reader { n: 1, other: None });
    let reader = create(&heap, v1::Reader { n: 2, other: Some(other) });
    let plan = lazily(Upgrade::to("2").migrate::<v1::Reader, Reader>());
    let running = upgrade(&heap, plan);
    for n in 0..100 {
        let other = other.cast::<Reader>();
        heap.atomically(|tx| Ok(tx.modify(other, |other| other.n = n)?)).unwrap();
        heap.reclaim();
    }
    assert_eq!(read(&heap, reader.cast::<Reader>()).other, Some(1));
    running.wait().unwrap();
    heap.reclaim();
    assert_eq!(heap.stats().live_snapshots, 0, "and no longer");
}

/// An upgrade is not complete with the pass in which somebody was late: what he created may lie
/// where the pass has been.
#[test]
fn what_a_late_writer_creates_behind_the_pass_is_transformed() {
    let heap = Heap::new();
    let met = Arc::new(Barrier::new(2));
    create(&heap, v1::Local(0));
    let plan = to_v2().migrate::<v1::Slow, Slow>();
    let (mut created, mut plan) = (None, Some(plan));
    thread::scope(|scope| {
        let mut pass = None;
        let committed = heap.transaction().run(|tx| {
            created = Some(tx.create(v1::Local(1))?);
            // In slots behind that, which are another thread's own.
            elsewhere(|| create(&heap, v1::Slow(Arc::clone(&met))));
            let plan = plan.take().expect("it runs once");
            let running = elsewhere(|| upgrade(&heap, plan));
            pass = Some(scope.spawn(move || running.wait()));
            met.wait();
            Ok::<_, Abort<()>>(())
        });
        assert!(is_late(&committed.unwrap()));
        met.wait();
        pass.unwrap().join().unwrap().unwrap();
    });
    assert_eq!(read(&heap, created.unwrap().cast::<v2::Local>()), v2::Local(10));
}

/// The end of an upgrade leaves the marks by which the objects of a later one are found.
#[test]
fn what_the_later_of_two_upgrades_has_left_is_found_when_the_earlier_is_complete() {
    let heap = Heap::new();
    let may = Arc::new(AtomicBool::new(false));
    let moody = create(&heap, v1::Moody(Arc::clone(&may)));
    let first = upgrade(&heap, lazily(Upgrade::to("2").refresh::<v1::Moody>()));
    upgrade(&heap, lazily(Upgrade::to("3").migrate::<v1::Moody, Moody>()));
    first.wait().unwrap();
    may.store(true, Ordering::Relaxed);
    assert!(read(&heap, moody.cast::<Moody>()).0.load(Ordering::Relaxed));
}
