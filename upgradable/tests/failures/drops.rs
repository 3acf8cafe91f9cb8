//! Values whose `Drop` panics, in every place where a migration drops one.

use super::*;
use std::panic::{panic_any, resume_unwind};
use upgradable::{Background, Cx, Profile, TransformError, Upgradable, UpgradeFrom};

/// Panics when it is dropped, if it is armed.
#[derive(Clone)]
struct Bomb(bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 && !std::thread::panicking() {
            panic_quietly();
        }
    }
}

mod old {
    use super::{Bomb, Script};
    use upgradable::Upgradable;

    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.Mine")]
    pub(super) struct Mine {
        pub(super) bomb: Bomb,
        pub(super) forward: Script,
    }
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "test.Mine", version = 2, from = old::Mine, manual)]
struct Mine {
    bomb: Bomb,
    number: u32,
}

impl UpgradeFrom<old::Mine> for Mine {
    const PROFILE: Profile = Profile::one_way("for a test");

    fn upgrade_from(old: &old::Mine, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        let bomb = Bomb(true);
        Ok(Self { number: old.forward.run(cx)?, bomb })
    }
}

fn plan() -> Upgrade {
    Upgrade::to("2").migrate::<old::Mine, Mine>().background(Background::Off)
}

/// Two transform one object; the value of the one who is late is dropped.
#[test]
fn a_value_that_is_not_needed_panics_for_nobody() {
    let heap = Heap::new();
    let runs = Arc::new(AtomicU32::new(0));
    let forward = {
        let heap = heap.clone();
        Script::new(move |cx| {
            if runs.fetch_add(1, Ordering::Relaxed) == 0 {
                let object = cx.object::<Mine>()?;
                elsewhere(|| heap.snapshot(|s| s.read(object).map(|mine| mine.number))).unwrap();
            }
            Ok(4)
        })
    };
    let mine = create(&heap, old::Mine { bomb: Bomb(false), forward }).cast::<Mine>();
    let running = heap.upgrade(plan()).unwrap();
    assert_eq!(heap.snapshot(|s| s.read(mine).map(|mine| mine.number)), Ok(4));
    assert_eq!(running.progress().lost, 1);
    finish(&running);
}

/// The transformer fails while it holds such a value: its error is lost to the panic, and no more.
#[test]
fn a_value_that_a_failing_transformer_drops_makes_it_a_panicking_one() {
    let heap = Heap::new();
    let mine = create(&heap, old::Mine { bomb: Bomb(false), forward: Script::fails() });
    heap.upgrade(plan()).unwrap();
    let seen = heap.snapshot(|s| s.read(mine.cast::<Mine>()).map(|mine| mine.number));
    let Err(AccessError::Untransformed(failure)) = seen else { panic!("{seen:?}") };
    assert!(matches!(failure.error().kind(), TransformErrorKind::Panicked { .. }), "{failure:?}");
}

/// Old values are dropped when nobody sees them any more; that is nobody's concern either.
#[test]
fn an_old_value_panics_for_nobody() {
    let heap = Heap::new();
    let armed = || old::Mine { bomb: Bomb(true), forward: Script::fine(5) };
    let mine = heap.atomically(|tx| Ok(tx.create(armed())?)).unwrap();
    let running = heap.upgrade(plan()).unwrap();
    finish(&running);
    heap.reclaim();
    assert_eq!(heap.snapshot(|s| s.read(mine.cast::<Mine>()).map(|mine| mine.number)), Ok(5));
    assert!(heap.stats().drop_panics > 0, "it has been dropped, and has panicked");
}

/// What is thrown may itself panic when it is dropped. It used to unwind into who touched the
/// object, and to end the background migration for good.
#[test]
fn a_panic_with_a_value_that_panics_is_one_failure() {
    watched(|| {
        let heap = Heap::new();
        let bad = create(&heap, job(Script::new(|_| resume_unwind(Box::new(Bomb(true))))));
        let plan = local_plan().background(Background::default());
        let running = heap.upgrade(plan).unwrap();
        let failure = failure(&heap, bad);
        assert!(matches!(failure.error().kind(), TransformErrorKind::Panicked { .. }));
        assert!(matches!(running.wait(), Err(WaitError::Failed(_))));
    });
}

/// It used to end the background migration.
#[test]
fn an_observer_that_panics_harms_nobody() {
    watched(|| {
        let heap = Heap::new();
        create(&heap, note("a"));
        let told = AtomicU32::new(0);
        let plan = local_plan().background(Background::default()).on_event(move |event| {
            let complete = matches!(event, upgradable::UpgradeEvent::Now(UpgradeState::Complete));
            if complete && told.fetch_add(1, Ordering::Relaxed) == 0 {
                panic_any("odd");
            }
        });
        let running = heap.upgrade(plan).unwrap();
        running.wait().unwrap();
    });
}
