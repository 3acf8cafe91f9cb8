//! Every transaction of a concurrent run again, one after the other, in the order of their
//! timestamps: each one must have seen what it would see then.

use std::sync::Mutex;
use std::thread;

use upgradable_stm::{CommitTs, Domain, Stop, TVar};

use super::{Dice, watched};

/// What a transaction has read and written: places and values.
#[derive(Default)]
struct Deed {
    ts: CommitTs,
    read: Vec<(usize, u64)>,
    wrote: Vec<(usize, u64)>,
}

/// Replays what was done. A transaction that wrote nothing comes after the one it saw last.
fn replay(vars: usize, mut deeds: Vec<Deed>) {
    deeds.sort_by_key(|deed| (deed.ts, deed.wrote.is_empty()));
    let mut now = vec![0; vars];
    for deed in &deeds {
        for &(place, value) in &deed.read {
            assert_eq!(now[place], value, "at {}, {place} was another", deed.ts);
        }
        for &(place, value) in &deed.wrote {
            now[place] = value;
        }
    }
}

/// Runs `threads` times `times` transactions, of which `choose` says what they read and write.
fn run(
    vars: usize,
    threads: u64,
    times: u64,
    choose: impl Fn(u64, &mut Dice) -> (Vec<usize>, Vec<usize>) + Sync,
) {
    let domain = Domain::new();
    let all: Vec<TVar<u64>> = (0..vars).map(|_| domain.tvar(0)).collect();
    let deeds = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for thread in 0..threads {
            let (domain, all, deeds, choose) = (&domain, &all, &deeds, &choose);
            scope.spawn(move || {
                let mut dice = Dice::new(thread + 100);
                let mut mine = Vec::new();
                for n in 1..=times {
                    let (reads, writes) = choose(thread, &mut dice);
                    let value = n * threads + thread;
                    let committed = domain.transaction().run(|tx| {
                        let read = reads.iter().map(|&at| (at, *tx.read(&all[at]))).collect();
                        writes.iter().for_each(|&at| tx.write(&all[at], value));
                        Ok::<_, Stop<()>>(read)
                    });
                    let committed = committed.unwrap();
                    let wrote = writes.into_iter().map(|at| (at, value)).collect();
                    mine.push(Deed { ts: committed.ts, read: committed.value, wrote });
                    if n % 4 == 0 {
                        mine.push(domain.snapshot(|s| {
                            let read = reads.iter().map(|&at| (at, *s.read(&all[at]))).collect();
                            Deed { ts: s.at(), read, wrote: vec![] }
                        }));
                    }
                }
                deeds.lock().unwrap().append(&mut mine);
            });
        }
    });
    replay(vars, deeds.into_inner().unwrap());
}

#[test]
fn few_variables_that_all_want() {
    watched(|| {
        run(8, 3, 4_000, |_, dice| {
            let mut some = || (0..dice.throw(4)).map(|_| dice.throw(8)).collect();
            (some(), some())
        });
    });
}

#[test]
fn many_variables() {
    watched(|| {
        run(1_000, 3, 2_000, |_, dice| {
            let mut some = || (0..10).map(|_| dice.throw(1_000)).collect();
            (some(), some())
        });
    });
}

/// Each thread reads a hundred variables and writes a hundred others, those that the next one
/// reads: commits take long enough to overlap in all their phases.
#[test]
fn wide_transactions_in_a_circle() {
    const WIDE: usize = 100;
    watched(|| {
        for threads in [2, 3] {
            run(WIDE * threads as usize, threads, 1_500, |thread, _| {
                let of = |thread: u64| {
                    let first = (thread % threads) as usize * WIDE;
                    (first..first + WIDE).collect()
                };
                (of(thread), of(thread + 1))
            });
        }
    });
}

/// The same with a single variable to read: the validation is over in no time, the locking is not.
#[test]
fn transactions_that_read_little_and_write_much() {
    const WIDE: usize = 100;
    watched(|| {
        run(WIDE * 2, 2, 2_000, |thread, _| {
            let (mine, other) = (thread as usize * WIDE, (1 - thread as usize) * WIDE);
            (vec![other + WIDE / 2], (mine..mine + WIDE).collect())
        });
    });
}
