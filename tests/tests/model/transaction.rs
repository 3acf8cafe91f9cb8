//! One transaction, on the memory and on a copy of the model's state.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use upgradable_stm::{AccessError, Handle, Retry, Stop, Tx, TxError};

use super::census::{Large, Small, Value};
use super::ops::{End, Size, Step};
use super::rig::{Rig, State, any, check_access, nth};

/// One execution of a transaction.
struct Run<'r> {
    rig: &'r Rig,
    work: State,
    /// Handles given out by this execution, also by parts that were undone.
    handles: Vec<Handle>,
    /// Handlers that must run after the commit, by number.
    handlers: Vec<u64>,
    /// The handlers that did.
    ran: &'r Rc<RefCell<Vec<u64>>>,
    /// Whether the era has been advanced, in this execution or one before.
    advanced: &'r std::cell::Cell<bool>,
}

/// The panic of [`End::Panic`].
struct Planned;

impl Rig {
    /// Runs a transaction, and makes what it leaves the newest state, if it commits.
    pub(crate) fn transaction(&mut self, steps: &[Step], end: End) {
        let (ran, advanced) = (Rc::default(), std::cell::Cell::new(false));
        let mut last = None;
        let mut handles = Vec::new();
        let mut executions = 0;
        let mut transaction = self.shared.domain.transaction();
        if end == End::Retry {
            transaction = transaction.timeout(Duration::ZERO);
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            transaction.run(|tx| {
                executions += 1;
                let mut run = Run {
                    rig: self,
                    work: State::clone(&self.shared.now),
                    handles: Vec::new(),
                    handlers: Vec::new(),
                    ran: &ran,
                    advanced: &advanced,
                };
                run.steps(tx, steps);
                handles.append(&mut run.handles);
                let has_ended = run.end(tx, end);
                last = Some((run.work, run.handlers));
                has_ended
            })
        }));
        let expected_executions = 1..=1 + u32::from(advanced.get());
        assert!(expected_executions.contains(&executions), "nobody else is here");
        self.handles.append(&mut handles);
        let (work, handlers) = last.unwrap_or_default();
        match (outcome, end) {
            (Ok(Ok(committed)), End::Commit | End::HalfModify(_)) => {
                assert!(committed.wrote || work == *self.shared.now);
                assert_eq!(committed.conflicts, executions - 1);
                assert!(!committed.wrote || committed.ts == self.shared.domain.now());
                assert_eq!(*ran.borrow(), handlers);
                self.shared.now = Rc::new(work);
                return;
            }
            (Ok(Err(TxError::Cancelled("on purpose"))), End::Cancel)
            | (Ok(Err(TxError::TimedOut | TxError::NothingToWaitFor)), End::Retry)
            | (Ok(Err(TxError::HalfModified)), End::HalfModify(_)) => {}
            (Err(payload), End::Panic) if payload.is::<Planned>() => {}
            (Err(payload), _) => resume_unwind(payload),
            (Ok(outcome), end) => panic!("{outcome:?} where the end was {end:?}"),
        }
        assert!(ran.borrow().is_empty(), "handlers of a transaction that did not commit");
    }
}

impl Run<'_> {
    fn end(&mut self, tx: &Tx<'_>, end: End) -> Result<(), Stop<&'static str>> {
        match end {
            End::Commit => Ok(()),
            End::Cancel => Err(Stop::Cancel("on purpose")),
            End::Retry => Err(tx.retry().into()),
            End::Panic => resume_unwind(Box::new(Planned)),
            End::HalfModify(at) => {
                if let Some(named) = nth(at, &self.rig.vars) {
                    let modify = AssertUnwindSafe(|| named.var.modify_and_panic(tx));
                    assert!(catch_unwind(modify).is_err());
                }
                Ok(())
            }
        }
    }

    fn steps(&mut self, tx: &Tx<'_>, steps: &[Step]) {
        // References that were handed out stay good until the end.
        let mut seen: Vec<(&dyn Value, u64)> = Vec::new();
        for step in steps {
            if let Some(value) = self.step(tx, step) {
                seen.push((value, value.number()));
            }
        }
        assert!(seen.iter().all(|(value, number)| value.number() == *number));
    }

    fn step<'t>(&mut self, tx: &'t Tx<'_>, step: &Step) -> Option<&'t dyn Value> {
        let rig = self.rig;
        let (shared, census) = (&rig.shared, &rig.shared.census);
        match step {
            Step::Read(at) | Step::Write(at) | Step::Replace(at) | Step::Modify(at) => {
                let named = nth(*at, &rig.vars)?;
                let before = rig.number_of(&self.work, named.id);
                let number = shared.fresh();
                let found = match step {
                    Step::Read(_) => named.var.read(tx),
                    Step::Write(_) => {
                        named.var.write(tx, number, census);
                        self.work.vars.insert(named.id, number);
                        return None;
                    }
                    Step::Replace(_) => {
                        self.work.vars.insert(named.id, number);
                        named.var.replace(tx, number, census)
                    }
                    _ => {
                        self.work.vars.insert(named.id, number);
                        assert_eq!(named.var.modify(tx, number, census), before);
                        return None;
                    }
                };
                assert_eq!(found.number(), before);
                return Some(found);
            }
            Step::Create(size) => self.create(tx, *size),
            Step::CreateMany => (0..10).for_each(|_| self.create(tx, Size::Small)),
            Step::Get(at, size) => {
                let handle = self.handle(*at)?;
                let found = match size {
                    Size::Small => tx.get::<Small>(handle).map(any),
                    Size::Large => tx.get::<Large>(handle).map(any),
                };
                check_access(found, *size, self.work.objects.get(&handle));
                return found.ok();
            }
            Step::Put(at, size) => self.put(tx, self.handle(*at)?, *size),
            Step::Update(at, size) => self.update(tx, self.handle(*at)?, *size),
            Step::Delete(at) => {
                let handle = self.handle(*at)?;
                let deleted = tx.delete(handle);
                assert_eq!(deleted.is_ok(), self.work.objects.remove(&handle).is_some());
            }
            Step::Nested(steps, undone) => self.nested(tx, steps, *undone),
            Step::OrElse(first, undone, second) => self.or_else(tx, first, *undone, second),
            Step::AfterCommit => {
                let (number, ran) = (shared.fresh(), Rc::clone(self.ran));
                tx.after_commit(move || ran.borrow_mut().push(number));
                self.handlers.push(number);
            }
            Step::Snapshot => shared.domain.snapshot(|s| rig.check_snapshot(s, &shared.now)),
            Step::Hold => shared.hold(),
            Step::Reclaim => shared.domain.reclaim(),
            Step::AdvanceEra => {
                if !self.advanced.replace(true) {
                    shared.advance_era(true);
                }
            }
        }
        None
    }

    /// One of the handles ever given out.
    fn handle(&self, at: u8) -> Option<Handle> {
        // This execution's own among them as often as all others.
        if at.is_multiple_of(2) && !self.handles.is_empty() {
            return nth(at / 2, &self.handles).copied();
        }
        nth(at / 2, &self.rig.handles).copied()
    }

    /// Whether an access succeeds, and if not, for the right reason.
    fn expect_access<T>(
        &self,
        result: &Result<T, AccessError>,
        handle: Handle,
        asked: Size,
    ) -> bool {
        match (result, self.work.objects.get(&handle)) {
            (Ok(_), Some(&(size, _))) => assert_eq!(size, asked),
            (Err(AccessError::WrongKind { .. }), Some(&(size, _))) => assert_ne!(size, asked),
            (Err(AccessError::Deleted | AccessError::Unborn), None) => {}
            (result, expected) => panic!("{:?}, but {expected:?}", result.as_ref().err()),
        }
        result.is_ok()
    }

    fn create(&mut self, tx: &Tx<'_>, size: Size) {
        let shared = &self.rig.shared;
        let number = shared.fresh();
        let handle = match size {
            Size::Small => tx.create(Small::new(number, &shared.census)),
            Size::Large => tx.create(Large::new(number, &shared.census)),
        };
        self.handles.push(handle);
        let before = self.work.objects.insert(handle, (size, number));
        assert_eq!(before, None, "a handle names one object");
    }

    fn put(&mut self, tx: &Tx<'_>, handle: Handle, size: Size) {
        let shared = &self.rig.shared;
        let number = shared.fresh();
        let result = match size {
            Size::Small => tx.put(handle, Small::new(number, &shared.census)),
            Size::Large => tx.put(handle, Large::new(number, &shared.census)),
        };
        if self.expect_access(&result, handle, size) {
            self.work.objects.insert(handle, (size, number));
        }
    }

    fn update(&mut self, tx: &Tx<'_>, handle: Handle, size: Size) {
        let census = &self.rig.shared.census;
        let number = self.rig.shared.fresh();
        let result = match size {
            Size::Small => tx.update(handle, |value: &mut Small| {
                std::mem::replace(value, Small::new(number, census)).number()
            }),
            Size::Large => tx.update(handle, |value: &mut Large| {
                std::mem::replace(value, Large::new(number, census)).number()
            }),
        };
        if self.expect_access(&result, handle, size) {
            let before = self.work.objects.insert(handle, (size, number));
            assert_eq!(before.map(|object| object.1), result.ok());
        }
    }

    fn nested(&mut self, tx: &Tx<'_>, steps: &[Step], undone: bool) {
        let before = (self.work.clone(), self.handlers.clone());
        let result = tx.nested(|tx| {
            self.steps(tx, steps);
            if undone { Err("on purpose") } else { Ok(()) }
        });
        assert_eq!(result.is_err(), undone);
        if undone {
            (self.work, self.handlers) = before;
        }
    }

    fn or_else(&mut self, tx: &Tx<'_>, first: &[Step], undone: bool, second: &[Step]) {
        let before = (self.work.clone(), self.handlers.clone());
        let run = RefCell::new(self);
        let first = |tx: &Tx<'_>| {
            run.borrow_mut().steps(tx, first);
            if undone { Err(tx.retry()) } else { Ok(false) }
        };
        let second = |tx: &Tx<'_>| {
            let mut run = run.borrow_mut();
            (run.work, run.handlers) = before;
            run.steps(tx, second);
            Ok::<_, Retry>(true)
        };
        let second_ran = tx.or_else(first, second).unwrap_or_else(|_| unreachable!("it has ended"));
        assert_eq!(second_ran, undone);
    }
}
