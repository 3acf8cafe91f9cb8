//! The recorder, alone and with real threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use upgradable_tests::history::check::check;
use upgradable_tests::history::record::{Recorder, ThreadLog};
use upgradable_tests::history::{History, ObjectId, Outcome, TxnId};

use super::{Kind, X, Y};

#[test]
fn attempts_are_numbered_in_the_order_in_which_they_began() {
    let recorder = Recorder::new();
    let (mut first, mut second) = (recorder.thread(), recorder.thread());
    second.begin();
    first.begin();
    first.read(X, 0);
    first.commit_read_only(0);
    let value = second.fresh_value();
    second.write(X, value);
    second.commit(1);
    drop((first, second));
    let history = recorder.history();
    assert_eq!(
        history.to_string(),
        "T0 (thread 1, ticks 1..4, committed at 1): w(1):=1\n\
         T1 (thread 0, ticks 2..3, read-only at 0): r(1)=0\n"
    );
    assert!(recorder.history().attempts().is_empty(), "a history is handed out once");
}

#[test]
fn a_body_that_is_re_executed_makes_one_attempt_each_time() {
    let recorder = Recorder::new();
    let mut log = recorder.thread();
    log.begin();
    for _ in 0..3 {
        log.enter();
        log.read(X, 0);
        log.leave();
    }
    log.commit_read_only(0);
    drop(log);
    let history = recorder.history();
    let outcomes: Vec<_> = history.attempts().iter().map(|attempt| attempt.outcome).collect();
    let read_only = Outcome::CommittedReadOnly { snapshot: 0 };
    assert_eq!(outcomes, [Outcome::Aborted, Outcome::Aborted, read_only]);
    let attempts = history.attempts();
    assert!(attempts.iter().all(|attempt| history.ops(attempt.id).len() == 1));
    // Each may have taken its snapshot as soon as the body before it had run, so not later than
    // that.
    assert!(attempts.windows(2).all(|pair| pair[0].begin < pair[1].begin));
    assert!(attempts.windows(2).all(|pair| pair[1].begin < pair[0].end));
}

#[test]
fn without_leave_a_re_execution_counts_as_begun_with_the_first_attempt() {
    let recorder = Recorder::new();
    let mut log = recorder.thread();
    log.begin();
    log.enter();
    log.enter();
    log.commit(1);
    drop(log);
    let history = recorder.history();
    assert_eq!(history.attempts()[0].begin, history.attempts()[1].begin);
}

#[test]
fn an_attempt_left_open_counts_as_aborted() {
    let recorder = Recorder::new();
    let mut log = recorder.thread();
    log.begin();
    log.begin();
    drop(log);
    let history = recorder.history();
    assert_eq!(history.attempts().len(), 2);
    assert!(history.attempts().iter().all(|attempt| attempt.outcome == Outcome::Aborted));
}

#[test]
fn values_are_unique_across_threads_and_never_initial() {
    let recorder = Recorder::new();
    let mut logs = [recorder.thread(), recorder.thread()];
    let mut values: Vec<_> = (0..5_000).map(|i| logs[i % 2].fresh_value()).collect();
    values.sort_unstable();
    values.dedup();
    assert_eq!((values.len(), values.contains(&0)), (5_000, false));
}

#[test]
#[should_panic(expected = "a ThreadLog is still alive")]
fn a_history_without_all_logs_is_refused() {
    let recorder = Recorder::new();
    let _log = recorder.thread();
    let _ = recorder.history();
}

// --- real threads ------------------------------------------------------------------------------

/// A clock and a few objects behind one lock.
#[derive(Debug, Default)]
struct Bank {
    clock: u64,
    accounts: [u64; 4],
}

fn read(log: &mut ThreadLog, bank: &Bank, object: usize) {
    log.read(object as ObjectId, bank.accounts[object]);
}

fn write(log: &mut ThreadLog, bank: &mut Bank, object: usize) {
    bank.accounts[object] = log.fresh_value();
    log.write(object as ObjectId, bank.accounts[object]);
}

/// Each thread moves something between two accounts, or audits all of them. With `careless` it lets
/// go of the lock between what it reads and what it writes.
fn transfer(recorder: &Recorder, bank: &Mutex<Bank>, rounds: usize, careless: bool) {
    let mut log = recorder.thread();
    for round in 0..rounds {
        let (from, to) = (round % 4, (round * 7 + 1) % 4);
        log.begin();
        let mut guard = bank.lock().unwrap();
        if round % 3 == 0 {
            (0..4).for_each(|object| read(&mut log, &guard, object));
            let snapshot = guard.clock;
            drop(guard);
            log.commit_read_only(snapshot);
            continue;
        }
        read(&mut log, &guard, from);
        read(&mut log, &guard, to);
        if careless {
            drop(guard);
            std::thread::yield_now();
            guard = bank.lock().unwrap();
        }
        write(&mut log, &mut guard, from);
        if from != to {
            write(&mut log, &mut guard, to);
        }
        guard.clock += 1;
        let ts = guard.clock;
        drop(guard);
        log.commit(ts);
    }
}

fn threads(rounds: usize, careless: bool) -> History {
    let (recorder, bank) = (Recorder::new(), Mutex::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| transfer(&recorder, &bank, rounds, careless));
        }
    });
    recorder.history()
}

#[test]
fn threads_under_one_lock_are_accepted() {
    let summary = check(&threads(5_000, false)).unwrap_or_else(|violation| panic!("{violation}"));
    assert_eq!((summary.updates, summary.read_only, summary.aborted), (13_332, 6_668, 0));
}

#[test]
fn threads_that_let_go_of_the_lock_lose_updates() {
    let violation = check(&threads(5_000, true)).expect_err("reads and writes were not atomic");
    let expected = [Kind::LostUpdate, Kind::StaleUpdate, Kind::WriteSkew, Kind::NotSerializable];
    assert!(expected.contains(&violation.kind()), "{violation}");
}

/// A clock that is advanced after its commit became visible: readers claim too old a snapshot.
#[test]
fn a_reader_between_publish_and_clock_is_noticed() {
    let recorder = Recorder::new();
    let published = AtomicBool::new(false);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut log = recorder.thread();
            log.begin();
            log.write(X, 1);
            published.store(true, Ordering::Release);
            while !done.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            log.commit(1);
        });
        scope.spawn(|| {
            let mut log = recorder.thread();
            while !published.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            log.begin();
            log.read(X, 1);
            log.commit_read_only(0);
            done.store(true, Ordering::Release);
        });
    });
    let history = recorder.history();
    let violation = check(&history).expect_err("version 1 is not in snapshot 0");
    assert_eq!(violation.kind(), Kind::TimestampOrder, "{violation}");
    let cycle = violation.cycle().expect("its evidence is a cycle");
    assert!(cycle.steps().iter().any(|step| step.attempt.id == TxnId(1)));
}

/// What a part of a transaction wrote and undid must not be seen by anyone; what it read must fit.
#[test]
fn a_part_that_is_undone_is_an_aborted_attempt_of_its_own() {
    let recorder = Recorder::new();
    let mut log = recorder.thread();
    log.begin();
    let [kept, undone, inner] = [(); 3].map(|()| log.fresh_value());
    log.write(X, kept);
    let outer_part = log.savepoint();
    log.read(X, kept);
    log.read(Y, 0);
    log.write(X, undone);
    let inner_part = log.savepoint();
    log.read(X, undone);
    log.write(X, inner);
    log.read(X, inner);
    log.undo_to(inner_part);
    log.read(X, undone);
    log.undo_to(outer_part);
    log.read(X, kept);
    log.commit(1);
    drop(log);
    let history = recorder.history();
    assert_eq!(
        history.to_string(),
        "T0 (thread 0, ticks 1..2, committed at 1): w(1):=1 r(1)=1 r(2)=0 r(1)=1\n\
         T1 (thread 0, ticks 1..2, aborted): w(1):=3 r(1)=3 w(1):=2 r(1)=2 r(1)=2\n"
    );
    assert!(check(&history).is_ok());
}

#[test]
fn who_sees_what_was_undone_is_noticed() {
    let recorder = Recorder::new();
    let (mut log, mut other) = (recorder.thread(), recorder.thread());
    log.begin();
    let part = log.savepoint();
    let value = log.fresh_value();
    log.write(X, value);
    log.undo_to(part);
    log.commit_read_only(0);
    other.begin();
    other.read(X, value);
    other.commit_read_only(0);
    drop((log, other));
    let violation = check(&recorder.history()).expect_err("the write was undone");
    assert_eq!(violation.kind(), Kind::DirtyRead, "{violation}");
}
