//! A bank that changes its account type while transfers go on.
//!
//! `cargo run --release -p upgradable --example bank`

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use upgradable::{AccessError, Heap, Ref, Snapshot, Stm, Tx, Upgradable, Upgrade};

/// The types of the first version.
mod v1 {
    #[derive(upgradable::Upgradable, Clone)]
    #[upgrade(name = "bank.Account", version = 1)]
    pub(crate) struct Account {
        pub(crate) owner: String,
        pub(crate) cents: i64,
        pub(crate) legacy_code: u16,
    }
}

/// The second version counts in thousandths, can freeze accounts, and has no code any more.
#[derive(Upgradable, Clone)]
#[upgrade(name = "bank.Account", version = 2, from = v1::Account, removed(legacy_code = 0))]
struct Account {
    owner: String,
    #[upgrade(from = "cents", with = |cents: &i64| cents * 10, back = |mills: &i64| mills / 10)]
    mills: i64,
    #[upgrade(default)]
    frozen: bool,
}

/// The code of the first version...
fn transfer_v1(tx: &Tx<'_>, from: Ref<v1::Account>, to: Ref<v1::Account>) -> Stm<()> {
    if tx.read(from)?.cents >= 100 {
        tx.modify(from, |account| account.cents -= 100)?;
        tx.modify(to, |account| account.cents += 100)?;
    }
    Ok(())
}

/// ... and of the second.
fn transfer_v2(tx: &Tx<'_>, from: Ref<Account>, to: Ref<Account>) -> Stm<()> {
    let account = tx.read(from)?;
    if account.mills >= 1_000 && !account.frozen {
        tx.modify(from, |account| account.mills -= 1_000)?;
        tx.modify(to, |account| account.mills += 1_000)?;
    }
    Ok(())
}

const ACCOUNTS: usize = 100_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let heap = Heap::new();
    let accounts: Vec<Ref<v1::Account>> = heap.atomically(|tx| {
        let account = |n| v1::Account { owner: format!("owner {n}"), cents: 1_000, legacy_code: 7 };
        (0..ACCOUNTS).map(|n| Ok(tx.create(account(n))?)).collect()
    })?;

    let (stop, transfers) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| -> Result<(), Box<dyn std::error::Error>> {
        for seed in 0..2 {
            let (heap, accounts, stop, transfers) = (&heap, &accounts, &stop, &transfers);
            scope.spawn(move || {
                let mut n: usize = seed;
                while !stop.load(Ordering::Relaxed) {
                    n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let (from, to) =
                        (accounts[(n >> 33) % ACCOUNTS], accounts[(n >> 20) % ACCOUNTS]);
                    // One version from begin to end: if the first does not fit, the second does.
                    let done = heap
                        .atomically(|tx| transfer_v1(tx, from, to))
                        .or_else(|_| heap.atomically(|tx| transfer_v2(tx, from.cast(), to.cast())));
                    if done.is_ok() {
                        transfers.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }

        thread::sleep(Duration::from_millis(200));
        println!("{} transfers on version 1", transfers.swap(0, Ordering::Relaxed));

        // The flip: from this line on everybody sees version 2, and nobody has waited.
        let running = heap.upgrade(Upgrade::to("2.0").migrate::<v1::Account, Account>())?;
        while running.wait_timeout(Duration::from_millis(50)).is_err() {
            let progress = running.progress();
            println!(
                "{:6} accounts transformed by transfers, {:6} in the background",
                progress.by_touch, progress.by_sweep
            );
        }
        println!("{} transfers meanwhile", transfers.swap(0, Ordering::Relaxed));

        let total = |what: &str| -> Result<i64, AccessError> {
            let mills = |s: &Snapshot<'_>, account: &Ref<v1::Account>| {
                Ok(s.read(account.cast::<Account>())?.mills)
            };
            let total = heap.snapshot(|s| {
                accounts.iter().map(|account| mills(s, account)).sum::<Result<i64, AccessError>>()
            })?;
            println!("{what}: {total} thousandths");
            Ok(total)
        };
        assert_eq!(total("all accounts together")?, 10_000 * ACCOUNTS as i64);
        running.promote()?;
        assert_eq!(total("and after the promotion")?, 10_000 * ACCOUNTS as i64);

        heap.atomically(|tx| Ok(tx.modify(accounts[0].cast::<Account>(), |a| a.frozen = true)?))?;
        let frozen = heap.snapshot(|s| s.read(accounts[0].cast::<Account>()).cloned())?;
        println!("{} is frozen: {}", frozen.owner, frozen.frozen);
        stop.store(true, Ordering::Relaxed);
        Ok(())
    })
}
