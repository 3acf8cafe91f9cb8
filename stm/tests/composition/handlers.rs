//! Handlers: what runs when a transaction has ended.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;

use upgradable_stm::{Domain, Retry, Stop, TVar};

use super::{Census, Script, panic_of, watched};

/// A list of what ran, for handlers to write to: they run on the thread of their transaction.
#[derive(Clone, Default)]
struct Diary(Rc<RefCell<Vec<String>>>);

impl Diary {
    fn note(&self, what: impl Into<String>) {
        self.0.borrow_mut().push(what.into());
    }

    /// A handler that notes this.
    fn noting(&self, what: impl Into<String>) -> impl FnOnce() + 'static {
        let (diary, what) = (self.clone(), what.into());
        move || diary.note(what)
    }

    fn pages(&self) -> Vec<String> {
        self.0.take()
    }
}

/// Changes a variable by another transaction.
fn interfere(domain: &Domain, x: &TVar<i32>) {
    thread::scope(|scope| {
        scope.spawn(|| domain.atomically(|tx| Ok(tx.modify(x, |n| *n += 100))));
    });
}

#[test]
fn they_run_in_order_after_the_commit() {
    let domain = Domain::new();
    let (x, diary) = (domain.tvar(0), Diary::default());
    domain.atomically(|tx| {
        tx.after_abort(diary.noting("never"));
        let (diary, of, var) = (diary.clone(), domain.clone(), x.clone());
        tx.after_commit(move || diary.note(format!("x is {}", of.snapshot(|s| *s.read(&var)))));
        Ok(tx.write(&x, 1))
    });
    assert_eq!(diary.pages(), ["x is 1"]);
    domain.atomically(|tx| {
        for n in ["one", "two", "three"] {
            tx.after_commit(diary.noting(n));
        }
        Ok(tx.write(&x, 1))
    });
    assert_eq!(diary.pages(), ["one", "two", "three"]);
}

#[test]
fn a_transaction_that_writes_nothing_commits_too() {
    let (domain, diary) = (Domain::new(), Diary::default());
    domain.atomically(|tx| Ok(tx.after_commit(diary.noting("committed"))));
    assert_eq!(diary.pages(), ["committed"]);
}

#[test]
fn those_of_a_cancelled_transaction_are_told() {
    let (domain, diary) = (Domain::new(), Diary::default());
    let _ = domain.try_atomically(|tx| {
        tx.after_commit(diary.noting("never"));
        tx.after_abort(diary.noting("one"));
        tx.after_abort(diary.noting("two"));
        Err::<(), _>(Stop::Cancel(()))
    });
    assert_eq!(diary.pages(), ["one", "two"]);
}

#[test]
fn those_of_a_panicking_transaction_are_told() {
    let (domain, diary) = (Domain::new(), Diary::default());
    let panic = panic_of(|| {
        domain.atomically(|tx| {
            tx.after_commit(diary.noting("never"));
            tx.after_abort(diary.noting("undone"));
            if true {
                panic!("on purpose")
            }
            Ok(())
        })
    });
    assert_eq!(panic, "on purpose");
    assert_eq!(diary.pages(), ["undone"]);
}

#[test]
fn each_lost_execution_runs_its_own_before_the_next() {
    let domain = Domain::new();
    let (x, diary) = (domain.tvar(0), Diary::default());
    let mut run = 0;
    domain.atomically(|tx| {
        run += 1;
        diary.note(format!("execution {run}"));
        tx.after_abort(diary.noting(format!("lost {run}")));
        tx.after_commit(diary.noting(format!("won {run}")));
        let n = *tx.read(&x);
        if run < 3 {
            interfere(&domain, &x);
        }
        Ok(tx.write(&x, n + 1))
    });
    assert_eq!(
        diary.pages(),
        ["execution 1", "lost 1", "execution 2", "lost 2", "execution 3", "won 3"]
    );
}

/// What an attempt holds outside is given back before the thread sleeps: it may be what the others
/// need to wake it.
#[test]
fn those_of_a_blocked_execution_run_before_the_sleep() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(false);
        let (tell, told) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                domain.atomically(|tx| {
                    let tell = tell.clone();
                    tx.after_abort(move || tell.send("gave up").unwrap());
                    tx.check(*tx.read(&x))
                });
            });
            assert_eq!(told.recv(), Ok("gave up"));
            domain.atomically(|tx| Ok(tx.write(&x, true)));
        });
        assert!(told.try_recv().is_err(), "the second execution commits");
    });
}

#[test]
fn those_of_undone_parts_do_not_run_after_a_commit() {
    let (domain, diary) = (Domain::new(), Diary::default());
    domain.atomically(|tx| {
        tx.after_commit(diary.noting("before"));
        tx.or_else(
            |tx| {
                tx.after_commit(diary.noting("undone alternative"));
                Err::<(), _>(tx.retry())
            },
            |tx| Ok::<_, Retry>(tx.after_commit(diary.noting("alternative"))),
        )?;
        tx.nested(|tx| {
            tx.after_commit(diary.noting("undone part"));
            Err::<(), _>(())
        })
        .unwrap_err();
        tx.nested(|tx| Ok::<_, ()>(tx.after_commit(diary.noting("part")))).unwrap();
        tx.after_commit(diary.noting("after"));
        Ok(())
    });
    assert_eq!(diary.pages(), ["before", "alternative", "part", "after"]);
}

/// An undone part may have taken something outside: when the attempt fails, it gives it back.
#[test]
fn those_of_undone_parts_run_when_the_whole_attempt_fails() {
    let (domain, diary) = (Domain::new(), Diary::default());
    let _ = domain.try_atomically(|tx| {
        tx.nested(|tx| {
            tx.after_abort(diary.noting("part"));
            Err::<(), _>(())
        })
        .unwrap_err();
        tx.after_abort(diary.noting("whole"));
        Err::<(), _>(Stop::Cancel(()))
    });
    assert_eq!(diary.pages(), ["part", "whole"]);
}

#[test]
fn a_handler_may_begin_a_transaction() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let add = |n| {
        let (domain, x) = (domain.clone(), x.clone());
        move || domain.atomically(|tx| Ok(tx.modify(&x, |sum| *sum += n)))
    };
    domain.atomically(|tx| {
        tx.modify(&x, |sum| *sum += 1);
        Ok(tx.after_commit(add(10)))
    });
    let _ = domain.try_atomically(|tx| {
        tx.modify(&x, |sum| *sum += 1_000_000);
        tx.after_abort(add(100));
        Err::<(), _>(Stop::Cancel(()))
    });
    panic_of(|| {
        domain.atomically(|tx| {
            tx.after_abort(add(1000));
            if true {
                panic!("on purpose")
            }
            Ok(())
        })
    });
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 1111);
}

#[test]
fn a_handlers_transaction_has_handlers_of_its_own() {
    let (domain, diary) = (Domain::new(), Diary::default());
    domain.atomically(|tx| {
        let (inner, of) = (diary.clone(), domain.clone());
        tx.after_commit(move || {
            of.atomically(|tx| Ok(tx.after_commit(inner.noting("inner"))));
            inner.note("between");
        });
        Ok(tx.after_commit(diary.noting("outer")))
    });
    assert_eq!(diary.pages(), ["inner", "between", "outer"]);
}

#[test]
fn a_panicking_handler_keeps_none_from_running() {
    let domain = Domain::new();
    let (x, diary) = (domain.tvar(0), Diary::default());
    let panic = panic_of(|| {
        domain.atomically(|tx| {
            tx.after_commit(diary.noting("one"));
            tx.after_commit(|| panic!("first panic"));
            tx.after_commit(|| panic!("second panic"));
            tx.after_commit(diary.noting("two"));
            Ok(tx.write(&x, 1))
        })
    });
    assert_eq!(panic, "first panic");
    assert_eq!(diary.pages(), ["one", "two"]);
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 1, "the commit was before");
    domain.atomically(|tx| Ok(tx.write(&x, 2)));
}

#[test]
fn a_handlers_panic_does_not_hide_the_closures() {
    let (domain, diary) = (Domain::new(), Diary::default());
    let panic = panic_of(|| {
        domain.atomically(|tx| {
            tx.after_abort(|| panic!("the handler's"));
            tx.after_abort(diary.noting("ran"));
            if true {
                panic!("the closure's")
            }
            Ok(())
        })
    });
    assert_eq!(panic, "the closure's");
    assert_eq!(diary.pages(), ["ran"]);
}

#[test]
fn a_handlers_panic_ends_a_transaction_that_was_to_be_executed_again() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let mut run = 0;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        domain.atomically(|tx| {
            run += 1;
            tx.after_abort(|| panic!("on purpose"));
            let n = *tx.read(&x);
            interfere(&domain, &x);
            Ok(tx.write(&x, n + 1))
        });
    }));
    assert!(outcome.is_err());
    assert_eq!((run, domain.snapshot(|s| *s.read(&x))), (1, 100));
}

#[test]
fn those_that_do_not_run_are_dropped_all_the_same() {
    let (domain, census) = (Domain::new(), Census::default());
    let holding = || {
        let held = census.count(());
        move || assert!(held.is_alive())
    };
    domain.atomically(|tx| {
        tx.after_abort(holding());
        tx.nested(|tx| {
            tx.after_commit(holding());
            Err::<(), _>(())
        })
        .unwrap_err();
        Ok(tx.after_commit(holding()))
    });
    let _ = domain.try_atomically(|tx| {
        tx.after_commit(holding());
        tx.after_abort(holding());
        Err::<(), _>(Stop::Cancel(()))
    });
    panic_of(|| {
        domain.atomically(|tx| {
            tx.after_commit(holding());
            tx.after_abort(holding());
            if true {
                panic!("on purpose")
            }
            Ok(())
        })
    });
    assert_eq!(census.alive(), 0);
}

/// Handlers run outside of the transaction: others see its commit before its handlers have run.
#[test]
fn others_go_on_while_a_handler_runs() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        let script = std::sync::Arc::new(Script::default());
        thread::scope(|scope| {
            scope.spawn(|| {
                domain.atomically(|tx| {
                    let script = script.clone();
                    tx.after_commit(move || script.at(1, || ()));
                    Ok(tx.write(&x, 1))
                });
            });
            script.at(0, || {
                while domain.snapshot(|s| *s.read(&x)) == 0 {
                    thread::yield_now();
                }
                domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1)));
            });
        });
        assert_eq!(domain.snapshot(|s| *s.read(&x)), 2);
    });
}
