//! The anomalies of Adya's theory by name, as the Hermitage test suite stages them.
//!
//! Two rows, `x = 10` and `y = 20`, transactions `T1`, `T2`, `T3`, and the order of their steps.
//! Commits are steps. A transaction that has to be executed again runs freely then.

use std::thread;

use upgradable_stm::{Domain, Handle, Stop, TVar, Tx};

use super::{Script, watched};

struct Table {
    domain: Domain,
    x: TVar<i32>,
    y: TVar<i32>,
    script: Script,
}

impl Table {
    fn new() -> Self {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(10), domain.tvar(20));
        Self { domain, x, y, script: Script::default() }
    }

    fn now(&self) -> (i32, i32) {
        self.domain.snapshot(|s| (*s.read(&self.x), *s.read(&self.y)))
    }

    /// Runs a transaction of which the first execution is staged: it gets the number of its
    /// execution. Returns its result and the number of executions.
    fn run<R>(&self, mut update: impl FnMut(&Tx<'_>, u32) -> R) -> (R, u32) {
        let mut run = 0;
        let result = self.domain.atomically(|tx| {
            run += 1;
            Ok(update(tx, run))
        });
        (result, run)
    }
}

/// Runs two transactions, the second one on a thread of its own.
fn staged<A, B: Send>(t1: impl FnOnce() -> A, t2: impl FnOnce() -> B + Send) -> (A, B) {
    thread::scope(|scope| {
        let t2 = scope.spawn(t2);
        (t1(), t2.join().unwrap())
    })
}

#[test]
fn g0_dirty_write() {
    watched(|| {
        let t = Table::new();
        let t1 = || {
            t.run(|tx, run| {
                t.script.first(run, 0, || tx.write(&t.x, 11));
                t.script.first(run, 2, || tx.write(&t.y, 21));
            });
            t.script.at(3, || assert_eq!(t.now(), (11, 21)));
        };
        let t2 = || {
            t.run(|tx, run| {
                t.script.first(run, 1, || tx.write(&t.x, 12));
                t.script.first(run, 4, || tx.write(&t.y, 22));
            });
        };
        staged(t1, t2);
        assert_eq!(t.now(), (12, 22), "never a mixture");
    });
}

#[test]
fn g1a_aborted_read() {
    watched(|| {
        let t = Table::new();
        let t1 = || {
            let cancelled = t.domain.try_atomically(|tx| {
                t.script.at(0, || tx.write(&t.x, 101));
                t.script.at(2, || Err::<(), _>(Stop::Cancel("changed my mind")))
            });
            assert!(cancelled.is_err());
            t.script.at(3, || ());
        };
        let t2 = || {
            t.domain.snapshot(|s| {
                assert_eq!(t.script.at(1, || *s.read(&t.x)), 10);
                assert_eq!(t.script.at(4, || *s.read(&t.x)), 10);
            });
        };
        staged(t1, t2);
        assert_eq!(t.now(), (10, 20));
    });
}

#[test]
fn g1b_intermediate_read() {
    watched(|| {
        let t = Table::new();
        let t1 = || {
            t.run(|tx, run| {
                t.script.first(run, 0, || tx.write(&t.x, 101));
                t.script.first(run, 2, || tx.write(&t.x, 11));
            });
            t.script.at(3, || ());
        };
        let t2 = || {
            let (seen, runs) = t.run(|tx, run| {
                assert_eq!(t.script.first(run, 1, || *tx.read(&t.x)), 10);
                t.script.first(run, 4, || *tx.read(&t.x))
            });
            assert_eq!((seen, runs), (10, 1));
        };
        staged(t1, t2);
        assert_eq!(t.now(), (11, 20));
    });
}

#[test]
fn g1c_circular_information_flow() {
    watched(|| {
        let t = Table::new();
        let t1 = || {
            let outcome = t.run(|tx, run| {
                t.script.first(run, 0, || tx.write(&t.x, 11));
                t.script.first(run, 2, || *tx.read(&t.y))
            });
            t.script.at(4, || ());
            outcome
        };
        let t2 = || {
            t.run(|tx, run| {
                t.script.first(run, 1, || tx.write(&t.y, 22));
                let seen = t.script.first(run, 3, || *tx.read(&t.x));
                t.script.first(run, 5, || seen)
            })
        };
        let (t1, t2) = staged(t1, t2);
        assert_eq!(t1, (20, 1), "the first to commit has seen nothing of the other");
        assert_eq!(t2, (11, 2), "the second one is executed again, and sees the first");
    });
}

#[test]
fn otv_observed_transaction_vanishes() {
    watched(|| {
        let t = Table::new();
        let t1 = || {
            t.run(|tx, run| {
                t.script.first(run, 0, || tx.write(&t.x, 11));
                t.script.first(run, 2, || tx.write(&t.y, 19));
            });
            t.script.at(3, || ());
        };
        let t2 = || {
            t.run(|tx, run| {
                t.script.first(run, 1, || tx.write(&t.x, 12));
                t.script.first(run, 5, || tx.write(&t.y, 18));
            });
            t.script.at(6, || ());
        };
        let t3 = || {
            t.script.at(4, || ());
            t.domain.snapshot(|s| {
                // What it begins with depends on nothing but the step before.
                let x = *s.read(&t.x);
                let y = t.script.at(7, || *s.read(&t.y));
                assert!(matches!((x, y), (11, 19) | (12, 18)), "{:?} is a mixture", (x, y));
            });
        };
        staged(t1, || staged(t2, t3));
        assert_eq!(t.now(), (12, 18));
    });
}

/// A table whose rows can be added and removed: an object for each, and a variable that lists them.
struct Rows {
    domain: Domain,
    all: TVar<Vec<Handle>>,
    script: Script,
}

impl Rows {
    fn new(values: &[i32]) -> Self {
        let domain = Domain::new();
        let names = domain.atomically(|tx| Ok(values.iter().map(|&v| tx.create(v)).collect()));
        let all = domain.tvar(names);
        Self { domain, all, script: Script::default() }
    }

    /// `SELECT value WHERE predicate(value)`.
    fn select(&self, tx: &Tx<'_>, predicate: impl Fn(i32) -> bool) -> Vec<i32> {
        let values = tx.read(&self.all).iter().map(|&name| *tx.get::<i32>(name).unwrap());
        values.filter(|&value| predicate(value)).collect()
    }

    fn insert(&self, tx: &Tx<'_>, value: i32) {
        let name = tx.create(value);
        tx.modify(&self.all, |all| all.push(name));
    }

    fn now(&self) -> Vec<i32> {
        self.domain.atomically(|tx| Ok(self.select(tx, |_| true)))
    }
}

#[test]
fn pmp_predicate_many_preceders() {
    watched(|| {
        let t = Rows::new(&[10, 20]);
        let t1 = || {
            t.domain.atomically(|tx| {
                assert_eq!(t.script.at(0, || t.select(tx, |value| value == 30)), []);
                let divisible = t.script.at(2, || t.select(tx, |value| value % 3 == 0));
                assert_eq!(divisible, [], "a row that was not there before");
                Ok(())
            });
        };
        let t2 = || t.script.at(1, || t.domain.atomically(|tx| Ok(t.insert(tx, 30))));
        staged(t1, t2);
        assert_eq!(t.now(), [10, 20, 30]);
    });
}

/// The same over all objects there are, as a snapshot lists them.
#[test]
fn pmp_predicate_many_preceders_in_a_snapshot() {
    watched(|| {
        let t = Rows::new(&[10, 20]);
        let t1 = || {
            t.domain.snapshot(|s| {
                let select = || {
                    let values = s.handles().map(|name| *s.get::<i32>(name).unwrap());
                    values.filter(|value| value % 3 == 0).count()
                };
                assert_eq!(t.script.at(0, select), 0);
                assert_eq!(t.script.at(2, select), 0);
            });
        };
        let t2 = || t.script.at(1, || t.domain.atomically(|tx| Ok(t.insert(tx, 30))));
        staged(t1, t2);
    });
}

/// `T1` adds ten to every row; `T2`, which has looked before that, deletes the row that is 20.
#[test]
fn pmp_predicate_many_preceders_for_writes() {
    watched(|| {
        let t = Rows::new(&[10, 20]);
        let t1 = || {
            t.script.at(1, || {
                t.domain.atomically(|tx| {
                    for &name in tx.read(&t.all) {
                        tx.update(name, |value: &mut i32| *value += 10).unwrap();
                    }
                    Ok(())
                });
            });
        };
        let t2 = || {
            let mut run = 0;
            t.domain.atomically(|tx| {
                run += 1;
                let is_twenty = |name: &Handle| *tx.get::<i32>(*name).unwrap() == 20;
                let names = t.script.first(run, 0, || tx.read(&t.all));
                let found: Vec<Handle> =
                    t.script.first(run, 2, || names.iter().copied().filter(is_twenty).collect());
                tx.modify(&t.all, |all| all.retain(|name| !found.contains(name)));
                found.iter().for_each(|&name| tx.delete(name).unwrap());
                Ok(())
            });
            assert_eq!(run, 2);
        };
        staged(t1, t2);
        assert_eq!(t.now(), [30], "it deletes what is 20 after `T1`, not what was before");
    });
}

#[test]
fn p4_lost_update() {
    watched(|| {
        let t = Table::new();
        let t1 = || {
            let outcome = t.run(|tx, run| {
                let x = t.script.first(run, 0, || *tx.read(&t.x));
                t.script.first(run, 2, || tx.write(&t.x, x + 1));
            });
            t.script.at(3, || ());
            outcome.1
        };
        let t2 = || {
            let ((), runs) = t.run(|tx, run| {
                let x = t.script.first(run, 1, || *tx.read(&t.x));
                t.script.first(run, 4, || tx.write(&t.x, x + 1));
            });
            runs
        };
        assert_eq!(staged(t1, t2), (1, 2));
        assert_eq!(t.now().0, 12);
    });
}

#[test]
fn g_single_read_skew() {
    watched(|| {
        let t = Table::new();
        let t1 = || {
            t.domain.snapshot(|s| {
                assert_eq!(t.script.at(0, || *s.read(&t.x)), 10);
                assert_eq!(t.script.at(2, || *s.read(&t.y)), 20, "12 and 18 came together");
            });
        };
        let t2 = || {
            t.script.at(1, || {
                t.run(|tx, _| {
                    assert_eq!((*tx.read(&t.x), *tx.read(&t.y)), (10, 20));
                    tx.write(&t.x, 12);
                    tx.write(&t.y, 18);
                });
            });
        };
        staged(t1, t2);
        assert_eq!(t.now(), (12, 18));
    });
}

/// `T1` reads a predicate, `T2` changes what it is about, `T1` reads another one.
#[test]
fn g_single_read_skew_by_predicates() {
    watched(|| {
        let t = Rows::new(&[10, 20]);
        let t1 = || {
            t.domain.atomically(|tx| {
                assert_eq!(t.script.at(0, || t.select(tx, |value| value % 5 == 0)), [10, 20]);
                assert_eq!(t.script.at(2, || t.select(tx, |value| value % 3 == 0)), []);
                Ok(())
            });
        };
        let t2 = || {
            t.script.at(1, || {
                t.domain.atomically(|tx| {
                    let first = tx.read(&t.all)[0];
                    Ok(tx.put(first, 12).unwrap())
                });
            });
        };
        staged(t1, t2);
        assert_eq!(t.now(), [12, 20]);
    });
}

/// `T1` has read what `T2` then overwrites, and writes after that: it may not commit as it is.
#[test]
fn g_single_read_skew_before_a_write() {
    watched(|| {
        let t = Table::new();
        let t1 = || {
            t.run(|tx, run| {
                let x = t.script.first(run, 0, || *tx.read(&t.x));
                let y = t.script.first(run, 2, || *tx.read(&t.y));
                assert!(matches!((x, y), (10, 20) | (12, 18)));
                tx.write(&t.y, x + y);
                (x, y)
            })
        };
        let t2 = || {
            t.script.at(1, || {
                t.run(|tx, _| {
                    tx.write(&t.x, 12);
                    tx.write(&t.y, 18);
                });
            });
        };
        let (t1, ()) = staged(t1, t2);
        assert_eq!(t1, ((12, 18), 2));
        assert_eq!(t.now(), (12, 30));
    });
}

#[test]
fn g2_item_write_skew() {
    watched(|| {
        let t = Table::new();
        let t1 = || {
            let outcome = t.run(|tx, run| {
                let sum = t.script.first(run, 0, || *tx.read(&t.x) + *tx.read(&t.y));
                t.script.first(run, 2, || tx.write(&t.x, sum));
            });
            t.script.at(3, || ());
            outcome.1
        };
        let t2 = || {
            let ((), runs) = t.run(|tx, run| {
                let sum = t.script.first(run, 1, || *tx.read(&t.x) + *tx.read(&t.y));
                t.script.first(run, 4, || tx.write(&t.y, sum));
            });
            runs
        };
        assert_eq!(staged(t1, t2), (1, 2));
        assert_eq!(t.now(), (30, 50), "one after the other");
    });
}

#[test]
fn g2_anti_dependency_cycle() {
    watched(|| {
        let t = Rows::new(&[10, 20]);
        let insert = |steps: [u32; 2], value| {
            let mut run = 0;
            let found = t.domain.atomically(|tx| {
                run += 1;
                let found = t.script.first(run, steps[0], || t.select(tx, |v| v % 3 == 0).len());
                t.script.first(run, steps[1], || t.insert(tx, value));
                Ok(found)
            });
            (found, run)
        };
        let t1 = || {
            let outcome = insert([0, 2], 30);
            t.script.at(3, || ());
            outcome
        };
        let (t1, t2) = staged(t1, || insert([1, 4], 42));
        assert_eq!((t1, t2), ((0, 1), (1, 2)), "the second one sees the first one's row");
    });
}

/// Two anti-dependencies and a reader that alone makes them visible (Fekete and others, 2004).
#[test]
fn g2_two_edges_and_a_reader() {
    watched(|| {
        let t = Table::new();
        let t1 = || {
            let (seen, runs) = t.run(|tx, run| {
                let seen = t.script.first(run, 0, || (*tx.read(&t.x), *tx.read(&t.y)));
                t.script.first(run, 3, || tx.write(&t.x, 0));
                seen
            });
            assert_eq!((seen, runs), ((10, 25), 2), "who saw `T2` must come after it");
        };
        let t2 = || {
            t.script.at(1, || t.run(|tx, _| tx.modify(&t.y, |y| *y += 5)));
            // `T3`, which sees `T2` and not `T1`.
            assert_eq!(t.script.at(2, || t.now()), (10, 25));
        };
        staged(t1, t2);
        assert_eq!(t.now(), (0, 25));
    });
}
