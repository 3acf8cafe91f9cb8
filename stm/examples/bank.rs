//! A bank under load: threads move money between accounts while an auditor sums all of them.
//!
//! The auditor reads every account in one snapshot. It never waits for the clerks and never makes
//! them wait, and the sum is right every time.
//!
//! Run it with `cargo run --release -p upgradable-stm --example bank`.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use oorandom::Rand32;
use upgradable_stm::{AbortCause, Domain, Stm, TVar, Tx};

const ACCOUNTS: usize = 10_000;
const CENTS: u64 = 10_000;
const CLERKS: usize = 2;
const TIME: Duration = Duration::from_secs(3);

fn transfer(tx: &Tx<'_>, from: &TVar<u64>, to: &TVar<u64>, cents: u64) -> Stm<bool> {
    let balance = *tx.read(from);
    if balance < cents {
        return Ok(false);
    }
    tx.write(from, balance - cents);
    tx.modify(to, |balance| *balance += cents);
    Ok(true)
}

/// One of the accounts.
fn account(dice: &mut Rand32) -> usize {
    dice.rand_range(0..ACCOUNTS as u32) as usize
}

fn clerk(bank: &Domain, accounts: &[TVar<u64>], seed: u64, closing: &AtomicBool) -> u64 {
    let mut dice = Rand32::new(seed);
    let mut moved = 0;
    while !closing.load(Ordering::Relaxed) {
        let (from, to) = (account(&mut dice), account(&mut dice));
        if from == to {
            continue;
        }
        let cents = u64::from(dice.rand_range(0..5_000));
        moved +=
            u64::from(bank.atomically(|tx| transfer(tx, &accounts[from], &accounts[to], cents)));
    }
    moved
}

fn main() {
    let Ok(bank) = Domain::builder().statistics(true).build() else {
        return eprintln!("no domain to be had");
    };
    let accounts: Vec<TVar<u64>> = (0..ACCOUNTS).map(|_| bank.tvar(CENTS)).collect();
    let closing = AtomicBool::new(false);
    let begun = Instant::now();
    let (moved, audits) = thread::scope(|scope| {
        let clerks: Vec<_> = (1..=CLERKS as u64)
            .map(|seed| {
                scope.spawn({
                    let (bank, accounts, closing) = (&bank, &accounts, &closing);
                    move || clerk(bank, accounts, seed, closing)
                })
            })
            .collect();
        let (mut audits, mut shown) = (0_u32, 0);
        while begun.elapsed() < TIME {
            let sum: u64 = bank.snapshot(|s| accounts.iter().map(|account| *s.read(account)).sum());
            assert_eq!(sum, ACCOUNTS as u64 * CENTS, "an audit saw money come or go");
            audits += 1;
            let tenth = begun.elapsed().as_millis() * 10 / TIME.as_millis();
            if tenth > shown && std::io::stdout().is_terminal() {
                shown = tenth;
                print!("\r{:3} %  {audits} audits, every one right", tenth * 10);
                let _ = std::io::stdout().flush();
            }
        }
        closing.store(true, Ordering::Relaxed);
        (clerks.into_iter().filter_map(|clerk| clerk.join().ok()).sum::<u64>(), audits)
    });
    let stats = bank.stats();
    if std::io::stdout().is_terminal() {
        println!();
    }
    println!("{moved} transfers and {audits} audits of {ACCOUNTS} accounts in {TIME:?}");
    println!("every audit saw the same sum, on its first attempt");
    println!(
        "transfers executed again: {} because an account had changed, {} because one was locked",
        stats.aborts(AbortCause::Changed),
        stats.aborts(AbortCause::Locked),
    );
    bank.reclaim();
    let versions: usize = accounts.iter().map(|account| bank.versions(account)).sum();
    println!("versions left: {versions}, one for each account");
}
