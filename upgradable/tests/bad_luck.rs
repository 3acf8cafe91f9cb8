//! Transformers that fail or panic one time in four, forward and back, beside transactions that move
//! amounts: each attempt ends in a typed error or a commit, nothing is lost, and with patience every
//! upgrade and roll back becomes complete.
//!
//! For builds with `--cfg chaos`, which bring the bad luck: `CHAOS_TRANSFORMERS=1`, see `ci/chaos.sh`.
#![cfg(chaos)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use upgradable::{
    AccessError, Background, Heap, Pace, Ref, RunningUpgrade, Tx, TxError, Upgradable, Upgrade,
    WaitError,
};

mod v1 {
    use upgradable::Upgradable;

    #[derive(Upgradable, Clone, Debug)]
    #[upgrade(name = "luck.Account")]
    pub(crate) struct Account {
        pub(crate) cents: i64,
    }
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "luck.Account", version = 2, from = v1::Account)]
struct Account {
    #[upgrade(from = "cents", with = |cents: &i64| -cents, back = |debt: &i64| -debt)]
    debt: i64,
}

const ACCOUNTS: i64 = 60;

/// Adds to an account of whichever version the transaction's program has.
fn add(tx: &Tx<'_>, account: Ref<v1::Account>, cents: i64) -> Result<(), AccessError> {
    match tx.modify(account.cast::<Account>(), |account| account.debt -= cents) {
        Err(AccessError::NotYet(_) | AccessError::StaleType(_) | AccessError::WrongType(_)) => {
            tx.modify(account, |account| account.cents += cents)
        }
        done => done,
    }
}

/// Waits, and has what failed tried again until nothing fails. How often something had failed.
fn persist(running: &RunningUpgrade) -> u64 {
    let mut failed = 0;
    loop {
        match running.wait() {
            Ok(()) => return failed,
            Err(WaitError::Failed(_)) => {
                failed += 1;
                running.retry_failed();
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn with_patience_every_upgrade_and_roll_back_becomes_complete_and_nothing_is_lost() {
    assert!(upgradable_stm::chaos::spoils_transformers(), "CHAOS_TRANSFORMERS=1 asks for it");
    let heap = Heap::new();
    let accounts: Vec<_> = heap
        .atomically(|tx| (0..ACCOUNTS).map(|cents| Ok(tx.create(v1::Account { cents })?)).collect())
        .unwrap();
    let (over, refused) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut failed = 0;
    thread::scope(|scope| {
        for first in 0..2 {
            let (heap, accounts, over, refused) = (&heap, &accounts, &over, &refused);
            scope.spawn(move || {
                let mut at = first;
                while !over.load(Ordering::Relaxed) {
                    at += 7;
                    let (one, other) = (accounts[at % 60], accounts[at * 5 % 59]);
                    let moved = heap.atomically(|tx| {
                        add(tx, one, -3)?;
                        Ok(add(tx, other, 3)?)
                    });
                    match moved {
                        Ok(()) => {}
                        Err(TxError::Access(AccessError::Untransformed(_))) => {
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        for round in 0..4 {
            let step = Upgrade::to("2").migrate::<v1::Account, Account>();
            let running = heap.upgrade(step.background(Background::On(Pace::Full))).unwrap();
            if round % 2 == 0 {
                failed += persist(&running);
            }
            failed += persist(&running.roll_back().unwrap());
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(failed + refused.load(Ordering::Relaxed) > 0, "luck was good");
    let sum: i64 = heap.snapshot(|s| accounts.iter().map(|&a| s.read(a).unwrap().cents).sum());
    assert_eq!(sum, ACCOUNTS * (ACCOUNTS - 1) / 2);
}
