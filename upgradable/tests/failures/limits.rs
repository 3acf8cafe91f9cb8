//! Transformers with a time limit: one that does not come back keeps nobody waiting for longer.

use super::*;
use std::sync::Barrier;
use std::time::{Duration, Instant};
use upgradable::{
    Background, Cx, OnFailure, Pace, Profile, TransformError, Upgradable, UpgradeFrom,
};

const SHORT: Duration = Duration::from_millis(40);

/// Runs `story` with a time limit in which a transformer that does not hang comes to its end: a
/// longer one, if the machine was so busy that this did not do. The story says whether it did.
fn with_time(story: impl Fn(Duration) -> bool) {
    let limits = [4 * SHORT, 20 * SHORT, 100 * SHORT];
    assert!(limits.into_iter().any(story), "what does not hang is not done in {:?}", limits[2]);
}

fn is_late<T>(seen: &Result<T, AccessError>) -> bool {
    let kind = |failure: &TransformFailure| {
        matches!(failure.error().kind(), TransformErrorKind::TimedOut { .. })
    };
    matches!(seen, Err(AccessError::Untransformed(failure)) if kind(failure))
}

#[test]
fn who_touches_an_object_that_hangs_gets_an_error_in_time() {
    let story = |limit| {
        let heap = Heap::new();
        let (script, hanging) = Script::hangs(6);
        let slow = create(&heap, job(script));
        let good = create(&heap, job(Script::fine(1)));
        let running = heap.upgrade(local_plan().time_limit(limit)).unwrap();
        let began = Instant::now();
        let failure = failure(&heap, slow);
        let TransformErrorKind::TimedOut { limit: told, .. } = failure.error().kind() else {
            panic!("{failure}");
        };
        assert!(*told == limit && began.elapsed() >= limit);
        let seen = number(&heap, good);
        if is_late(&seen) {
            return false;
        }
        assert_eq!(seen, Ok(1));
        let outcome = running.wait();
        assert!(matches!(outcome, Err(WaitError::Failed(_))), "{outcome:?}");
        // The touch, the sweep, the last look: all have waited for the same one.
        hanging.wait();
        assert!(!hanging.has_begun(), "no other was begun");
        hanging.release();
        // One that comes back in time: that one, or another that is released before it begins.
        hanging.release();
        if running.retry_failed() > 0 {
            return false;
        }
        assert_eq!(number(&heap, slow), Ok(6));
        finish(&running);
        true
    };
    watched(move || with_time(story));
}

/// Who touches an object whose transformer hangs waits for that one, which nobody else waits for
/// any more; and has what it brings, if it comes in time.
#[test]
fn touches_share_the_attempt_that_is_under_way() {
    let story = |limit: Duration| {
        let heap = Heap::new();
        let (script, hanging) = Script::hangs(6);
        let slow = create(&heap, job(script));
        let running = heap.upgrade(local_plan().time_limit(limit)).unwrap();
        failure(&heap, slow);
        hanging.wait();
        let seen = std::thread::scope(|scope| {
            let touches = [(); 3].map(|()| scope.spawn(|| number(&heap, slow)));
            std::thread::sleep(limit / 4);
            hanging.release();
            touches.map(|touch| touch.join().unwrap())
        });
        if seen.iter().any(is_late) {
            return false;
        }
        assert_eq!(seen, [(); 3].map(|()| Ok(6)));
        assert!(!hanging.has_begun(), "one attempt for all");
        finish(&running);
        true
    };
    watched(move || with_time(story));
}

/// Threads that were given up are no more than so many: then touches are told so at once, of other
/// objects, too; until one of them comes back.
#[test]
fn so_many_may_hang_and_no_more() {
    watched(|| {
        let heap = Heap::new();
        let limit = SHORT / 4;
        let (slow, hanging): (Vec<_>, Vec<_>) = (0..17)
            .map(|_| {
                let (script, hanging) = Script::hangs(6);
                (create(&heap, job(script)), hanging)
            })
            .unzip();
        let good = create(&heap, job(Script::fine(1)));
        let running = heap.upgrade(local_plan().time_limit(limit)).unwrap();
        for &slow in &slow[..16] {
            let failure = failure(&heap, slow);
            assert!(matches!(failure.error().kind(), TransformErrorKind::TimedOut { .. }));
        }
        for refused in [slow[16], good] {
            let failure = failure(&heap, refused);
            let kind = failure.error().kind();
            assert!(matches!(kind, TransformErrorKind::TooManyHanging { limit: 16, .. }), "{kind}");
        }
        assert!(!hanging[16].has_begun());
        let again = failure(&heap, slow[0]);
        assert!(
            matches!(again.error().kind(), TransformErrorKind::TimedOut { .. }),
            "which waits for the attempt that there is: {again}"
        );
        hanging[0].release();
        while number(&heap, good) != Ok(1) {
            std::thread::sleep(limit);
        }
        // Those that hang, and all that are begun after them.
        drop(hanging);
        while running.retry_failed() > 0 {
            std::thread::sleep(limit);
        }
        finish(&running);
        assert_eq!(number(&heap, slow[16]), Ok(6));
    });
}

/// The background migration goes past an object that hangs.
#[test]
fn the_sweeper_does_not_hang() {
    let story = |limit| {
        let heap = Heap::new();
        let (script, _hanging) = Script::hangs(6);
        create(&heap, job(script));
        let others: Vec<_> = (0..20).map(|n| create(&heap, job(Script::fine(n)))).collect();
        let plan = local_plan().time_limit(limit).background(Background::On(Pace::Full));
        let running = heap.upgrade(plan).unwrap();
        let Err(WaitError::Failed(all)) = running.wait() else { panic!("one of them hangs") };
        if all.len() > 1 {
            return false;
        }
        assert_eq!(running.progress().transformed(), others.len() as u64);
        assert_eq!(running.progress().by_sweep, others.len() as u64);
        true
    };
    watched(move || with_time(story));
}

#[test]
fn a_time_limit_undoes_an_upgrade_whose_policy_says_so() {
    watched(|| {
        let heap = Heap::new();
        let (script, _hanging) = Script::hangs(6);
        let slow = create(&heap, job(script));
        let plan = local_plan().time_limit(SHORT).on_failure(OnFailure::RollBack);
        let running = heap.upgrade(plan).unwrap();
        assert_eq!(running.wait(), Err(WaitError::RolledBack));
        assert!(heap.snapshot(|s| s.read(slow).is_ok()));
    });
}

/// A transformer that was given up comes back after its object was repaired. What it brings is
/// thrown away, and it used to be noted as one more failure, of an object that is transformed.
#[test]
fn one_that_comes_back_too_late_changes_nothing() {
    watched(|| {
        let heap = Heap::new();
        let (script, hanging) = Script::hangs(6);
        let slow = create(&heap, job(script));
        let running = heap.upgrade(local_plan().time_limit(SHORT)).unwrap();
        failure(&heap, slow);
        hanging.wait();
        running.repair(slow.cast(), Job { number: 42, forward: Script::fine(0) }).unwrap();
        running.wait().unwrap();
        hanging.release();
        // Until its thread has ended, which holds the script.
        std::thread::sleep(SHORT);
        assert_eq!(number(&heap, slow), Ok(42));
        assert_eq!(running.failures(), []);
        running.promote().unwrap();
    });
}

/// Errors, panics and attempts to write are the same on the thread of a transformer with a limit.
#[test]
fn what_fails_at_once_is_no_matter_of_time() {
    static HEAP: OnceLock<Heap> = OnceLock::new();
    let heap = HEAP.get_or_init(Heap::new);
    let bad = create(heap, job(Script::new(|cx| cx.field("day", |_| panic_quietly()))));
    let writes = create(
        heap,
        job(Script::new(|_| {
            let outcome = HEAP.get().unwrap().atomically(|tx| Ok(tx.create(Plain(1))?));
            assert_eq!(outcome, Err(TxError::Nested));
            Err("nested".into())
        })),
    );
    heap.upgrade(local_plan().time_limit(LIMIT)).unwrap();
    let panicked = failure(heap, bad);
    assert!(matches!(panicked.error().kind(), TransformErrorKind::Panicked { .. }));
    assert_eq!(panicked.error().path().to_string(), "day");
    let wrote = failure(heap, writes);
    assert!(matches!(wrote.error().kind(), TransformErrorKind::Conversion { .. }), "{wrote:?}");
}

mod guest {
    use super::{Arc, AtomicU32, Barrier};
    use upgradable::Upgradable;

    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.Guest")]
    pub(super) struct Guest {
        pub(super) runs: Arc<AtomicU32>,
        pub(super) hangs: Arc<Barrier>,
        pub(super) leaves: Arc<Barrier>,
    }
}

/// The first one hangs, and takes its time to be dropped.
#[derive(Upgradable, Clone)]
#[upgrade(version = 2, from = guest::Guest, manual)]
struct Guest {
    number: u32,
    leaves: Option<Arc<Barrier>>,
}

impl UpgradeFrom<guest::Guest> for Guest {
    const PROFILE: Profile = Profile::one_way("for a test");

    fn upgrade_from(old: &guest::Guest, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        let number = old.runs.fetch_add(1, Ordering::Relaxed);
        if number > 0 {
            return Ok(Self { number, leaves: None });
        }
        old.hangs.wait();
        old.hangs.wait();
        Ok(Self { number, leaves: Some(Arc::clone(&old.leaves)) })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(leaves) = &self.leaves {
            leaves.wait();
            leaves.wait();
        }
    }
}

/// An attempt has come back too late, and what it brings is about to be dropped. Whoever touched the
/// object in this moment waited for that attempt, and was told that his time was over.
#[test]
fn nobody_waits_for_an_attempt_that_was_in_vain() {
    let story = |limit| {
        let heap = Heap::new();
        let (hangs, leaves) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let guest = guest::Guest {
            runs: Arc::default(),
            hangs: Arc::clone(&hangs),
            leaves: Arc::clone(&leaves),
        };
        let guest = create(&heap, guest).cast::<Guest>();
        let plan = Upgrade::to("2").migrate::<guest::Guest, Guest>().time_limit(limit);
        let running = heap.upgrade(plan.background(Background::Off)).unwrap();
        let number = || heap.snapshot(|s| s.read(guest).map(|guest| guest.number));
        assert!(matches!(number(), Err(AccessError::Untransformed(_))));
        hangs.wait();
        hangs.wait();
        leaves.wait();
        let failed = running.retry_failed();
        leaves.wait();
        if failed > 0 {
            return false;
        }
        assert_eq!(number(), Ok(1));
        finish(&running);
        true
    };
    watched(move || with_time(story));
}
