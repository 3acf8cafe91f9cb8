//! What may be rolled back or promoted when, and how it is refused.

use super::*;

#[test]
fn an_upgrade_that_has_ended_or_is_ending_can_not_be_ended_again() {
    watched(|| {
        let heap = Heap::new();
        accounts(&heap, 2);
        let reader = heap.hold();
        let running = heap.upgrade(step()).unwrap();
        let in_between = heap.hold();
        let rolled = running.roll_back().unwrap();
        let rolling = UpgradeState::RollingBack;
        assert_eq!(running.roll_back().unwrap_err(), RollBackError::Ended(rolling));
        assert_eq!(running.promote(), Err(PromoteError::Ended(rolling)));
        assert_eq!(running.wait(), Err(WaitError::RolledBack));
        assert!(matches!(rolled.roll_back(), Err(RollBackError::Ended(_))));
        let early = rolled.promote();
        assert!(matches!(early, Err(PromoteError::Incomplete { failed: 0, .. })), "{early:?}");
        drop((reader, in_between));
        rolled.wait().unwrap();
        let rolled_back = UpgradeState::RolledBack;
        for one in [&running, &rolled] {
            assert_eq!(one.roll_back().unwrap_err(), RollBackError::Ended(rolled_back));
            assert_eq!(one.promote(), Err(PromoteError::Ended(rolled_back)));
            assert_eq!(one.state(), rolled_back);
        }
        let running = heap.upgrade(step()).unwrap();
        finish(&running);
        let promoted = UpgradeState::Promoted;
        assert_eq!(running.roll_back().unwrap_err(), RollBackError::Ended(promoted));
        assert_eq!(running.promote(), Err(PromoteError::Ended(promoted)));
    });
}

#[test]
fn only_the_newest_upgrade_can_be_rolled_back() {
    let heap = Heap::new();
    let objects = accounts(&heap, 2);
    let plain = create(&heap, Plain(1));
    let first = heap.upgrade(step()).unwrap();
    let null = || Upgrade::to("3").refresh::<Plain>().background(Background::Off);
    let second = heap.upgrade(null()).unwrap();
    let refused = first.roll_back().unwrap_err();
    assert!(matches!(&refused, RollBackError::NotNewest { name, .. } if &**name == "3"));
    heap.atomically(|tx| Ok(tx.write(plain, Plain(2))?)).unwrap();
    let rolled = second.roll_back().unwrap();
    // The first waits for the end of that.
    assert!(matches!(first.roll_back(), Err(RollBackError::NotNewest { .. })));
    rolled.wait().unwrap();
    back(&first);
    assert_eq!(get(&heap, objects[1]), account(1));
    assert_eq!(get(&heap, plain), Plain(2));
}

#[test]
fn a_roll_back_does_not_begin_inside_a_transaction() {
    let heap = Heap::new();
    let object = create(&heap, account(1));
    let running = heap.upgrade(step()).unwrap();
    heap.atomically(|_| {
        assert_eq!(running.roll_back().unwrap_err(), RollBackError::InTransaction);
        Ok(())
    })
    .unwrap();
    assert_eq!(get(&heap, object.cast::<Account>()).euros, 1);
    back(&running);
}

/// Two threads ask for it at once: one gets it.
#[test]
fn of_two_roll_backs_at_once_one_happens() {
    for _ in 0..20 {
        let heap = Heap::new();
        let object = create(&heap, account(1));
        let running = heap.upgrade(step()).unwrap();
        let got = std::thread::scope(|scope| {
            let both = [(), ()].map(|()| scope.spawn(|| running.roll_back().is_ok()));
            both.map(|one| one.join().unwrap())
        });
        assert_eq!(got.into_iter().filter(|&got| got).count(), 1);
        assert_eq!(get(&heap, object), account(1));
    }
}

/// A roll back and the end of the migration at once: whichever comes first, the upgrade is undone,
/// and nothing says that it is complete.
#[test]
fn an_upgrade_that_becomes_complete_while_it_is_rolled_back_is_rolled_back() {
    watched(|| {
        for _ in 0..20 {
            let heap = Heap::new();
            let object = create(&heap, account(1));
            let story = std::sync::Arc::new(Mutex::new(Vec::new()));
            let told = std::sync::Arc::clone(&story);
            let plan = step().on_event(move |event| {
                if let upgradable::UpgradeEvent::Now(state) = event {
                    told.lock().unwrap().push(*state);
                }
            });
            let running = heap.upgrade(plan).unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| running.wait());
                let rolled = running.roll_back().unwrap();
                assert_ne!(running.state(), UpgradeState::Complete);
                assert!(running.promote().is_err());
                rolled.wait().unwrap();
            });
            assert_eq!(running.state(), UpgradeState::RolledBack);
            assert_eq!(get(&heap, object), account(1));
            let story = story.lock().unwrap();
            let at = story.iter().position(|&state| state == UpgradeState::RollingBack).unwrap();
            let complete = story.iter().rposition(|&state| state == UpgradeState::Complete);
            assert!(complete.is_none_or(|complete| complete < at), "{story:?}");
        }
    });
}
