//! Memory to the byte. Each test runs alone in a process of its own, which has come to rest when
//! it is measured: so what is counted is the memory of the domain and nothing else.

use std::process::Command;
use std::thread;
use std::time::Duration;

use upgradable_stm::{Domain, Handle, Stop, TVar};

#[path = "common/dice.rs"]
mod dice;
#[path = "memory/raw.rs"]
mod raw;

use dice::Dice;

#[global_allocator]
static ALLOCATOR: raw::Counting = raw::Counting::new();

const ALONE: &str = "UPGRADABLE_STM_TEST_ALONE";

/// Runs `body` in a process in which nothing else happens.
#[track_caller]
fn alone(test: &str, body: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let child = child.args([test, "--exact", "--test-threads=1", "--nocapture"]).env(ALONE, "1");
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed"), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs `work` on a thread that ends, and waits until it has.
fn on_a_thread(work: impl FnOnce() + Send + 'static) {
    thread::spawn(work).join().unwrap();
}

fn bytes() -> usize {
    ALLOCATOR.now().0
}

/// Blocks for a moment in a transaction.
fn block_for_a_moment() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let outcome = domain.transaction().timeout(Duration::from_millis(1)).run(|tx| {
        tx.check(*tx.read(&x) > 0)?;
        Ok::<_, Stop<()>>(())
    });
    assert!(outcome.is_err());
}

/// What `work` leaves behind is nothing: not a byte, after it was done before, since tables of the
/// process (of types, of domains, of sleeping threads) grow with the first use and stay.
#[track_caller]
fn leaves_nothing(work: impl Fn() + Clone + Send + 'static) {
    thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(block_for_a_moment))));
    for _ in 0..34 {
        on_a_thread(work.clone());
    }
    let before = ALLOCATOR.now();
    for _ in 0..6 {
        on_a_thread(work.clone());
    }
    assert_eq!(ALLOCATOR.now(), before, "(bytes, blocks)");
}

fn fill(domain: &Domain, count: u64) -> Vec<Handle> {
    domain.atomically(|tx| Ok((0..count).map(|n| tx.create(n)).collect()))
}

fn delete(domain: &Domain, names: &[Handle]) {
    domain.atomically(|tx| {
        names.iter().try_for_each(|&name| tx.delete(name).map_err(|_| tx.retry()))
    });
}

#[test]
fn an_empty_domain_leaves_nothing() {
    alone("an_empty_domain_leaves_nothing", || leaves_nothing(|| drop(Domain::new())));
}

#[test]
fn objects_and_variables_leave_nothing() {
    alone("objects_and_variables_leave_nothing", || {
        leaves_nothing(|| {
            let domain = Domain::new();
            let x = domain.tvar(vec![1, 2, 3]);
            let name = domain.atomically(|tx| Ok(tx.create(String::from("text"))));
            for n in 0..300 {
                domain.atomically(|tx| {
                    tx.modify(&x, |list| list.push(n));
                    tx.read(&x);
                    tx.modify(&x, |list| list.truncate(3));
                    tx.put(name, n.to_string()).map_err(|_| tx.retry())
                });
                let _ = domain.try_atomically(|tx| {
                    tx.create([n; 200]);
                    tx.after_commit(move || assert_eq!(n, 0));
                    Err::<(), _>(Stop::Cancel(()))
                });
            }
            let held = domain.hold();
            drop(domain);
            drop(held);
        });
    });
}

#[test]
fn values_in_boxes_leave_nothing() {
    alone("values_in_boxes_leave_nothing", || {
        #[derive(Clone)]
        #[repr(align(128))]
        struct Aligned(u8);
        leaves_nothing(|| {
            let domain = Domain::new();
            let (large, aligned) = (domain.tvar([0_u8; 10_000]), domain.tvar(Aligned(0)));
            let held = domain.hold();
            for n in 0..50 {
                domain.atomically(|tx| {
                    tx.modify(&large, |large| large[17] = n);
                    tx.create([n; 449]);
                    Ok(tx.modify(&aligned, |aligned| aligned.0 = n))
                });
            }
            held.read(|s| assert_eq!((s.read(&large)[17], s.read(&aligned).0), (0, 0)));
        });
    });
}

#[test]
fn threads_leave_nothing() {
    alone("threads_leave_nothing", || {
        leaves_nothing(|| {
            let domain = Domain::new();
            let vars: Vec<TVar<u64>> = (0..20).map(|n| domain.tvar(n)).collect();
            let threads: Vec<_> = (0..3)
                .map(|thread| {
                    let (domain, vars) = (domain.clone(), vars.clone());
                    thread::spawn(move || {
                        let mut dice = Dice::new(thread);
                        for n in 0..400 {
                            let [a, b] = [(); 2].map(|()| &vars[dice.throw(20)]);
                            domain.atomically(|tx| {
                                tx.create(n);
                                Ok(tx.write(a, *tx.read(b) + 1))
                            });
                            domain.snapshot(|s| *s.read(a));
                        }
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    });
}

#[test]
fn variables_that_outlive_their_domain_leave_nothing() {
    alone("variables_that_outlive_their_domain_leave_nothing", || {
        leaves_nothing(|| {
            let domain = Domain::new();
            let vars: Vec<TVar<String>> = (0..500).map(|n| domain.tvar(n.to_string())).collect();
            for var in &vars {
                domain.atomically(|tx| Ok(tx.modify(var, |text| text.push('!'))));
            }
            drop(domain);
            drop(vars);
        });
    });
}

#[test]
fn blocked_transactions_leave_nothing() {
    alone("blocked_transactions_leave_nothing", || {
        leaves_nothing(block_for_a_moment);
    });
}

/// Counted: what is asked of the allocator between an empty domain and a million variables, that
/// is the pages of slots and the lists of pages; not the handles. (Pages are used up to the last
/// slots, and the last page is not full.)
#[test]
fn a_variable_takes_32_bytes_beside_its_value() {
    const COUNT: usize = 1_000_000;
    alone("a_variable_takes_32_bytes_beside_its_value", || {
        let domain = Domain::new();
        let mut vars = Vec::with_capacity(COUNT);
        let before = bytes();
        vars.extend((0..COUNT as u64).map(|n| domain.tvar(n)));
        let each = (bytes() - before) as f64 / COUNT as f64;
        assert!(each <= 40.2, "{each} bytes, of which 8 are the value");
    });
}

/// Counted: the same for objects, made a hundred in a transaction; so the lists of transactions
/// count, too, and are small.
#[test]
fn an_object_takes_32_bytes_beside_its_value() {
    const COUNT: usize = 1_000_000;
    alone("an_object_takes_32_bytes_beside_its_value", || {
        let domain = Domain::new();
        let before = bytes();
        for _ in 0..COUNT / 100 {
            fill(&domain, 100);
        }
        let each = (bytes() - before) as f64 / COUNT as f64;
        assert!(each <= 40.2, "{each} bytes, of which 8 are the value");
    });
}

/// A version that was written beside the first one lies in a block of its own until the next.
#[test]
fn an_object_that_was_written_takes_a_block_more_at_most() {
    const COUNT: usize = 20_000;
    alone("an_object_that_was_written_takes_a_block_more_at_most", || {
        let domain = Domain::new();
        let vars: Vec<TVar<u64>> = (0..COUNT as u64).map(|n| domain.tvar(n)).collect();
        let before = bytes();
        for round in 0..5 {
            for var in &vars {
                domain.atomically(|tx| Ok(tx.write(var, round)));
            }
            domain.reclaim();
            let each = (bytes() - before) as f64 / COUNT as f64;
            assert!(each <= 52.0, "{each} bytes more for each");
        }
    });
}

#[test]
fn slots_of_deleted_objects_are_used_again() {
    const COUNT: u64 = 50_000;
    alone("slots_of_deleted_objects_are_used_again", || {
        let domain = Domain::new();
        let mut names = Vec::with_capacity(COUNT as usize);
        let mut round = || {
            names.clear();
            (0..COUNT / 100).for_each(|_| names.extend(fill(&domain, 100)));
            let full = bytes();
            names.chunks(100).for_each(|names| delete(&domain, names));
            domain.reclaim();
            full
        };
        round();
        let before = round();
        for _ in 0..5 {
            let full = round();
            assert!(full <= before + before / 50, "{full} bytes, {before} before");
        }
    });
}

#[test]
fn slots_of_dropped_variables_are_used_again() {
    alone("slots_of_dropped_variables_are_used_again", || {
        let domain = Domain::new();
        let mut vars = Vec::with_capacity(50_000);
        let mut round = || {
            vars.extend((0..50_000_u64).map(|n| domain.tvar(n)));
            let full = bytes();
            vars.clear();
            domain.reclaim();
            full
        };
        round();
        let before = round();
        for _ in 0..5 {
            let full = round();
            assert!(full <= before + before / 50, "{full} bytes, {before} before");
        }
    });
}

#[test]
fn slots_of_undone_creations_are_used_again() {
    alone("slots_of_undone_creations_are_used_again", || {
        let domain = Domain::new();
        let round = || {
            for _ in 0..10_000 {
                let _ = domain.try_atomically(|tx| {
                    tx.create(0_u64);
                    let _ = tx.nested(|tx| Err::<(), _>(tx.create(1_u64)));
                    Err::<(), _>(Stop::Cancel(()))
                });
            }
            bytes()
        };
        assert_eq!(round(), round());
    });
}

/// A thread that ends gives its place in the domain to the next one.
#[test]
fn a_thousand_threads_take_the_memory_of_few() {
    alone("a_thousand_threads_take_the_memory_of_few", || {
        let domain = Domain::new();
        let x = domain.tvar(0_u64);
        let rounds = |count| {
            for _ in 0..count {
                let (domain, x) = (domain.clone(), x.clone());
                on_a_thread(move || domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1))));
            }
            domain.reclaim();
            bytes()
        };
        let few = rounds(400);
        let many = rounds(1000);
        assert!(many <= few + 4096, "{few} bytes after 400 threads, {many} after 1400");
    });
}

#[test]
fn held_snapshots_give_their_places_back() {
    alone("held_snapshots_give_their_places_back", || {
        let domain = Domain::new();
        let x = domain.tvar(0_u64);
        let round = || {
            let mut held = Vec::new();
            for n in 0..500 {
                domain.atomically(|tx| Ok(tx.write(&x, n)));
                held.push(domain.hold());
            }
            drop(held);
            domain.reclaim();
            domain.atomically(|tx| Ok(tx.write(&x, 0)));
            domain.reclaim();
            bytes()
        };
        let before = (0..4).map(|_| round()).max().unwrap();
        assert!((0..10).all(|_| round() <= before + 1024));
    });
}

/// One hot variable, a million updates: no memory that grows with them.
#[test]
fn updates_take_no_memory() {
    alone("updates_take_no_memory", || {
        let domain = Domain::new();
        let x = domain.tvar(0_u64);
        let write =
            |times| (0..times).for_each(|_| domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1))));
        write(2_000);
        let before = bytes();
        write(300_000);
        // Batches that were on the way then, or are now.
        let more = bytes().saturating_sub(before);
        assert!(more <= 64 << 10, "{more} bytes more");
    });
}
