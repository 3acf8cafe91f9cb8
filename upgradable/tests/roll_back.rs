//! Undo: an upgrade that has not been promoted is rolled back by a lazy flip of its own. What has
//! not changed since the upgrade is what it was, bit for bit; what was written since goes back
//! through the transformers' `put`; nothing that was committed is lost.

mod common;
#[path = "roll_back/in_flight.rs"]
mod in_flight;
#[path = "roll_back/order.rs"]
mod order;
#[path = "roll_back/split.rs"]
mod split;

use std::sync::Mutex;

use common::*;
use upgradable::{
    AccessError, Background, Cx, Heap, OnFailure, PlanError, Profile, PromoteError, Ref,
    RollBackError, RunningUpgrade, TransformError, TransformErrorKind, Upgradable, Upgrade,
    UpgradeError, UpgradeFrom, UpgradeState, WaitError,
};

mod before {
    use upgradable::Upgradable;

    /// A value that its lens does not keep: the lens rounds, and makes names upper case.
    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Account")]
    pub(crate) struct Account {
        pub(crate) owner: String,
        pub(crate) cents: u64,
        pub(crate) legacy: u16,
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Account", version = 2, from = before::Account, removed(legacy = 99))]
struct Account {
    #[upgrade(with = |owner: &String| owner.to_uppercase(), back = |owner: &String| owner.clone())]
    owner: String,
    #[upgrade(from = "cents", with = |cents: &u64| cents / 100, back = |euros: &u64| euros * 100)]
    euros: u64,
}

fn account(n: u64) -> before::Account {
    before::Account { owner: format!("owner {n}"), cents: 100 * n + 7, legacy: n as u16 }
}

fn accounts(heap: &Heap, count: u64) -> Vec<Ref<before::Account>> {
    (0..count).map(|n| create(heap, account(n))).collect()
}

fn step() -> Upgrade {
    Upgrade::to("2").migrate::<before::Account, Account>().background(Background::Off)
}

fn back(running: &RunningUpgrade) {
    running.roll_back().unwrap().wait().unwrap();
}

#[test]
fn what_has_not_changed_comes_back_bit_for_bit() {
    let heap = Heap::new();
    let accounts = accounts(&heap, 20);
    for touched in [0, 10, 20] {
        let running = heap.upgrade(step()).unwrap();
        for account in &accounts[..touched] {
            assert_eq!(get(&heap, account.cast::<Account>()).owner.len(), 8 - 1);
            if touched == 20 && account == &accounts[9] {
                break;
            }
        }
        if touched == 20 {
            running.wait().unwrap();
        }
        let rolled = running.roll_back().unwrap();
        for (n, &object) in accounts.iter().enumerate().take(5) {
            assert_eq!(get(&heap, object), account(n as u64), "at first touch");
        }
        rolled.wait().unwrap();
        for (n, &object) in accounts.iter().enumerate() {
            assert_eq!(get(&heap, object), account(n as u64));
        }
    }
}

#[test]
fn what_was_written_comes_back_through_the_lens_with_what_the_old_version_held() {
    let heap = Heap::new();
    let accounts = accounts(&heap, 3);
    let running = heap.upgrade(step()).unwrap();
    heap.atomically(|tx| Ok(tx.modify(accounts[1].cast::<Account>(), |a| a.euros = 50)?)).unwrap();
    heap.atomically(|tx| {
        tx.write(accounts[2].cast(), Account { owner: "NEW".into(), euros: 9 })?;
        Ok(())
    })
    .unwrap();
    back(&running);
    assert_eq!(get(&heap, accounts[0]), account(0));
    let changed = before::Account { owner: "OWNER 1".into(), cents: 5_000, legacy: 1 };
    assert_eq!(get(&heap, accounts[1]), changed, "`legacy` is what it was at the flip");
    let written = before::Account { owner: "NEW".into(), cents: 900, legacy: 2 };
    assert_eq!(get(&heap, accounts[2]), written);
}

/// Also when what was written is what the transformer had made.
#[test]
fn a_write_of_the_same_value_is_a_write() {
    let heap = Heap::new();
    let object = create(&heap, account(4));
    let running = heap.upgrade(step()).unwrap();
    let same = get(&heap, object.cast::<Account>());
    heap.atomically(|tx| Ok(tx.write(object.cast(), same.clone())?)).unwrap();
    back(&running);
    let through = before::Account { owner: "OWNER 4".into(), cents: 400, legacy: 4 };
    assert_eq!(get(&heap, object), through);
}

#[test]
fn what_was_created_comes_back_without_an_old_value_and_what_was_deleted_stays_deleted() {
    let heap = Heap::new();
    let old = accounts(&heap, 2);
    let running = heap.upgrade(step()).unwrap();
    let new = create(&heap, Account { owner: "NEW".into(), euros: 5 });
    heap.atomically(|tx| Ok(tx.delete(old[0].cast::<Account>())?)).unwrap();
    let brief = create(&heap, Account { owner: "BRIEF".into(), euros: 5 });
    heap.atomically(|tx| Ok(tx.delete(brief)?)).unwrap();
    back(&running);
    let expected = before::Account { owner: "NEW".into(), cents: 500, legacy: 99 };
    assert_eq!(get(&heap, new.cast::<before::Account>()), expected);
    for gone in [old[0], brief.cast()] {
        assert_eq!(heap.snapshot(|s| s.read(gone).cloned()), Err(AccessError::Deleted));
    }
    assert_eq!(heap.snapshot(|s| s.objects::<before::Account>().count()), 2);
}

mod narrow {
    use upgradable::Upgradable;

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Level")]
    pub(crate) struct Level {
        pub(crate) height: u8,
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Level", version = 2, from = narrow::Level)]
struct Level {
    height: u32,
}

#[test]
fn an_object_that_has_outgrown_its_old_type_stalls_the_roll_back_and_can_be_repaired() {
    watched(|| {
        let heap = Heap::new();
        let low = create(&heap, narrow::Level { height: 3 });
        let high = create(&heap, narrow::Level { height: 200 });
        let plan = Upgrade::to("2").migrate::<narrow::Level, Level>();
        let running = heap.upgrade(plan.background(Background::Off)).unwrap();
        for level in [low, high] {
            heap.atomically(|tx| Ok(tx.modify(level.cast::<Level>(), |l| l.height += 100)?))
                .unwrap();
        }
        let rolled = running.roll_back().unwrap();
        let seen = heap.snapshot(|s| s.read(high).cloned());
        let Err(AccessError::Untransformed(failure)) = seen else { panic!("{seen:?}") };
        assert!(matches!(failure.error().kind(), TransformErrorKind::OutOfRange { .. }));
        assert_eq!(failure.error().path().to_string(), "height");
        assert_eq!((failure.versions().0.number(), failure.versions().1.number()), (2, 1));
        assert_eq!(get(&heap, low).height, 103);
        assert_eq!(rolled.wait(), Err(WaitError::Failed(vec![failure])));
        assert_eq!(rolled.state(), UpgradeState::Stalled);
        assert_eq!(running.state(), UpgradeState::RollingBack);
        rolled.repair(high, narrow::Level { height: 255 }).unwrap();
        rolled.wait().unwrap();
        assert_eq!(get(&heap, high).height, 255);
        assert_eq!(running.state(), UpgradeState::RolledBack);
    });
}

/// Or it shrinks in the meantime: the object can be written while it is refused to readers? No:
/// but it can be deleted.
#[test]
fn an_object_that_can_not_come_back_can_be_deleted() {
    watched(|| {
        let heap = Heap::new();
        let high = create(&heap, narrow::Level { height: 200 });
        let plan = Upgrade::to("2").migrate::<narrow::Level, Level>();
        let running = heap.upgrade(plan.background(Background::Off)).unwrap();
        heap.atomically(|tx| Ok(tx.modify(high.cast::<Level>(), |l| l.height += 100)?)).unwrap();
        let rolled = running.roll_back().unwrap();
        assert!(matches!(rolled.wait(), Err(WaitError::Failed(_))));
        heap.atomically(|tx| Ok(tx.delete(high)?)).unwrap();
        assert_eq!(rolled.retry_failed(), 0);
        rolled.wait().unwrap();
    });
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "test.Account", version = 2, from = before::Account, manual)]
struct OneWay {
    owner: String,
}

impl UpgradeFrom<before::Account> for OneWay {
    const PROFILE: Profile = Profile::one_way("the cents are gone");

    fn upgrade_from(old: &before::Account, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(Self { owner: old.owner.clone() })
    }
}

#[test]
fn what_can_not_be_undone_says_so_before_it_begins() {
    let heap = Heap::new();
    let object = create(&heap, account(1));
    let plan = || {
        let plan = Upgrade::to("2").migrate::<before::Account, OneWay>();
        plan.background(Background::Off)
    };
    let irreversible = |refused: Result<RunningUpgrade, UpgradeError>| match refused {
        Err(UpgradeError::Plan(faults)) => {
            let [PlanError::Irreversible { why, .. }] = &faults[..] else { panic!("{faults:?}") };
            assert!(why.contains("the cents are gone"), "{why}");
        }
        other => panic!("{other:?}"),
    };
    irreversible(heap.upgrade(plan().reversible()));
    irreversible(heap.upgrade(plan().on_failure(OnFailure::RollBack)));
    assert!(plan().can_go_back().is_err());
    assert_eq!(get(&heap, object), account(1), "nothing has changed");
    let running = heap.upgrade(plan()).unwrap();
    let refused = running.roll_back();
    assert!(matches!(refused, Err(RollBackError::Irreversible { .. })), "{refused:?}");
    assert_eq!(get(&heap, object.cast::<OneWay>()).owner, "owner 1", "nor here");
    finish(&running);
}

/// An upgrade that is migrating, complete or stalled.
#[test]
fn an_upgrade_can_be_undone_in_whatever_state_it_is() {
    watched(|| {
        for ends_in in [UpgradeState::Migrating, UpgradeState::Complete, UpgradeState::Stalled] {
            let heap = Heap::new();
            let bad = create(&heap, job(Script::fails()));
            let good = create(&heap, note("a"));
            let running = heap.upgrade(local_plan()).unwrap();
            heap.atomically(|tx| Ok(tx.modify(good.cast::<Note>(), |n| n.text = "b".into())?))
                .unwrap();
            match ends_in {
                UpgradeState::Migrating => {}
                UpgradeState::Stalled => assert!(running.wait().is_err()),
                _ => {
                    assert!(number(&heap, bad).is_err());
                    let value = Job { number: 1, forward: Script::fine(1) };
                    running.repair(bad.cast(), value).unwrap();
                    running.wait().unwrap();
                }
            }
            assert_eq!(running.state(), ends_in);
            let rolled = running.roll_back().unwrap();
            assert_eq!(running.state(), UpgradeState::RollingBack);
            assert_eq!(get(&heap, good), note("b"));
            assert!(heap.snapshot(|s| s.read(bad).is_ok()), "it was never transformed");
            rolled.wait().unwrap();
            assert_eq!(running.state(), UpgradeState::RolledBack);
            assert_eq!(rolled.state(), UpgradeState::RolledBack);
        }
    });
}

#[test]
fn a_null_update_is_undone_too() {
    let heap = Heap::new();
    let untouched = create(&heap, Plain(1));
    let touched = create(&heap, Plain(2));
    let changed = create(&heap, Plain(3));
    let running =
        heap.upgrade(Upgrade::to("again").refresh::<Plain>().background(Background::Off)).unwrap();
    assert_eq!(get(&heap, touched), Plain(2));
    heap.atomically(|tx| Ok(tx.write(changed, Plain(4))?)).unwrap();
    let created = create(&heap, Plain(5));
    back(&running);
    let now = [untouched, touched, changed, created].map(|object| get(&heap, object).0);
    assert_eq!(now, [1, 2, 4, 5]);
}

#[test]
fn after_a_roll_back_the_same_upgrade_can_begin_again() {
    let heap = Heap::new();
    let object = create(&heap, account(3));
    for round in 1..=5 {
        let running = heap.upgrade(step()).unwrap();
        heap.atomically(|tx| Ok(tx.modify(object.cast::<Account>(), |a| a.euros += 1)?)).unwrap();
        back(&running);
        let expected =
            before::Account { owner: "OWNER 3".into(), cents: 300 + 100 * round, legacy: 3 };
        assert_eq!(get(&heap, object), expected);
    }
    let running = heap.upgrade(step()).unwrap();
    finish(&running);
    assert_eq!(get(&heap, object.cast::<Account>()).euros, 8);
}

/// Objects of a type that the upgrade has nothing to do with, and of which there were none before
/// it, were created by committed transactions like any others.
#[test]
fn the_first_objects_of_an_unchanged_type_survive() {
    let heap = Heap::new();
    accounts(&heap, 1);
    let running = heap.upgrade(step()).unwrap();
    let plain = create(&heap, Plain(7));
    back(&running);
    assert_eq!(get(&heap, plain), Plain(7));
}
