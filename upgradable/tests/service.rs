//! Services: requests end on the program they began with, or run again on the next one; the
//! program comes and goes with the types.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use upgradable::{
    Abort, AccessError, Heap, OnFailure, Program, Ref, Service, Snapshot, Tx, TxError, Upgradable,
    Upgrade,
};

mod v1 {
    #[derive(upgradable::Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "service.Counter")]
    pub(crate) struct Counter {
        pub(crate) n: u64,
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(version = 2, from = v1::Counter)]
struct Counter {
    #[upgrade(from = "n", try_with = double, back = |twice: &u64| *twice / 2)]
    twice: u64,
}

fn double(n: &u64) -> Result<u64, String> {
    if *n == 666 { Err("cursed".to_owned()) } else { Ok(n * 2) }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Request {
    Add(u64),
    Get,
    Refuse,
    Fail,
}

/// Which program answered, and what.
type Response = (u32, u64);

#[derive(Debug)]
struct First {
    counter: Ref<v1::Counter>,
    /// Stops in the middle of `Add`, once.
    stop: Option<Arc<(AtomicBool, Barrier)>>,
    alive: Arc<AtomicUsize>,
}

impl Drop for First {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Program for First {
    type Request = Request;
    type Response = Response;

    fn execute(&self, tx: &Tx<'_>, request: &Request) -> Result<Response, Abort<Response>> {
        let n = tx.read(self.counter)?.n;
        match request {
            Request::Add(by) => {
                if let Some(stop) = &self.stop
                    && stop.0.swap(false, Ordering::Relaxed)
                {
                    stop.1.wait();
                    stop.1.wait();
                }
                tx.write(self.counter, v1::Counter { n: n + by })?;
                Ok((1, n + by))
            }
            Request::Get => Ok((1, n)),
            Request::Refuse => {
                tx.write(self.counter, v1::Counter { n: 0 })?;
                Err(Abort::Cancel((1, n)))
            }
            Request::Fail => {
                tx.read(Ref::<v1::Counter>::from_bits(3))?;
                Ok((1, 0))
            }
        }
    }
}

#[derive(Debug)]
struct Second {
    counter: Ref<Counter>,
}

impl Program for Second {
    type Request = Request;
    type Response = Response;

    fn execute(&self, tx: &Tx<'_>, request: &Request) -> Result<Response, Abort<Response>> {
        let by = if let Request::Add(by) = request { *by } else { 0 };
        let twice = tx.modify(self.counter, |counter| {
            counter.twice += 2 * by;
            counter.twice
        })?;
        Ok((2, twice / 2))
    }

    fn query(
        &self,
        snapshot: &Snapshot<'_>,
        request: &Request,
    ) -> Option<Result<Response, AccessError>> {
        let get = || Ok((2, snapshot.read(self.counter)?.twice / 2));
        (*request == Request::Get).then(get)
    }
}

struct Setting {
    service: Service<Request, Response>,
    counter: Ref<v1::Counter>,
    first_alive: Arc<AtomicUsize>,
}

fn setting(n: u64, stop: Option<Arc<(AtomicBool, Barrier)>>) -> Setting {
    let heap = Heap::new();
    let counter = heap.atomically(|tx| Ok(tx.create(v1::Counter { n })?)).unwrap();
    let alive = Arc::new(AtomicUsize::new(1));
    let first = First { counter, stop, alive: Arc::clone(&alive) };
    Setting { service: Service::new(heap, first), counter, first_alive: alive }
}

fn plan() -> Upgrade {
    Upgrade::to("2").migrate::<v1::Counter, Counter>()
}

#[test]
fn the_program_changes_with_the_types_and_back() {
    let Setting { service, counter, first_alive } = setting(0, None);
    assert_eq!(service.call(&Request::Add(5)), Ok((1, 5)));
    let running = service.upgrade(plan(), Second { counter: counter.cast() }).unwrap();
    assert_eq!(service.call(&Request::Get), Ok((2, 5)));
    assert_eq!(service.call(&Request::Add(2)), Ok((2, 7)));
    assert_eq!(service.programs(), 2);
    running.roll_back().unwrap().wait().unwrap();
    assert_eq!(service.call(&Request::Get), Ok((1, 7)));
    assert_eq!(service.programs(), 1);

    let running = service.upgrade(plan(), Second { counter: counter.cast() }).unwrap();
    running.wait().unwrap();
    assert_eq!(first_alive.load(Ordering::Relaxed), 1, "kept for a roll back");
    running.promote().unwrap();
    drop(running);
    assert_eq!(service.programs(), 1);
    assert_eq!(service.call(&Request::Get), Ok((2, 7)));
    assert_eq!(first_alive.load(Ordering::Relaxed), 0, "nothing of the old version is left");
}

#[test]
fn a_program_alone_can_be_upgraded() {
    let Setting { service, counter, .. } = setting(1, None);
    service.upgrade(plan(), Second { counter: counter.cast() }).unwrap().wait().unwrap();
    let again = service.upgrade(Upgrade::to("3"), Second { counter: counter.cast() }).unwrap();
    assert_eq!(service.call(&Request::Add(1)), Ok((2, 2)));
    again.wait().unwrap();
    assert_eq!(service.programs(), 3);
}

#[test]
fn a_cancelled_request_answers_and_changes_nothing() {
    let Setting { service, .. } = setting(4, None);
    assert_eq!(service.call(&Request::Refuse), Ok((1, 4)));
    assert_eq!(service.call(&Request::Get), Ok((1, 4)));
    assert_eq!(service.call(&Request::Fail), Err(TxError::Access(AccessError::Foreign)));
}

#[test]
fn a_request_in_flight_ends_on_the_program_with_which_it_began() {
    let stop = Arc::new((AtomicBool::new(true), Barrier::new(2)));
    let Setting { service, counter, .. } = setting(0, Some(Arc::clone(&stop)));
    thread::scope(|scope| {
        let call = scope.spawn(|| service.call(&Request::Add(1)));
        stop.1.wait();
        let running = service.upgrade(plan(), Second { counter: counter.cast() }).unwrap();
        running.pause();
        stop.1.wait();
        // Nobody has looked at the counter since: it commits just before the flip.
        assert_eq!(call.join().unwrap(), Ok((1, 1)));
        running.resume();
        assert_eq!(running.progress().late, 1);
    });
    assert_eq!(service.call(&Request::Get), Ok((2, 1)));
}

#[test]
fn a_request_that_comes_too_late_runs_again_on_the_new_program() {
    let stop = Arc::new((AtomicBool::new(true), Barrier::new(2)));
    let Setting { service, counter, .. } = setting(0, Some(Arc::clone(&stop)));
    thread::scope(|scope| {
        let call = scope.spawn(|| service.call(&Request::Add(1)));
        stop.1.wait();
        service.upgrade(plan(), Second { counter: counter.cast() }).unwrap();
        assert_eq!(service.call(&Request::Add(10)), Ok((2, 10)));
        stop.1.wait();
        assert_eq!(call.join().unwrap(), Ok((2, 11)));
    });
}

#[test]
fn a_request_that_the_upgrade_fails_runs_again_on_the_old_program() {
    let Setting { service, counter, .. } = setting(666, None);
    let plan = plan().on_failure(OnFailure::RollBack).background(upgradable::Background::Off);
    service.upgrade(plan, Second { counter: counter.cast() }).unwrap();
    assert_eq!(service.call(&Request::Add(1)), Ok((1, 667)));
}

#[test]
fn under_load_every_request_counts_once() {
    // Beyond the number that can't be transformed.
    let begin = 1_000;
    let Setting { service, counter, .. } = setting(begin, None);
    let stop = AtomicBool::new(false);
    let sum = thread::scope(|scope| {
        let clients: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let (mut calls, mut last) = (0_u64, 0);
                    while !stop.load(Ordering::Relaxed) {
                        let (_, n) = service.call(&Request::Add(1)).unwrap();
                        assert!(n > last, "what was added stays");
                        last = n;
                        calls += 1;
                    }
                    calls
                })
            })
            .collect();
        for round in 0..if cfg!(chaos) { 9 } else { 30 } {
            let running = service.upgrade(plan(), Second { counter: counter.cast() }).unwrap();
            if round % 3 == 0 {
                running.wait().unwrap();
            }
            running.roll_back().unwrap().wait().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).sum::<u64>()
    });
    assert_eq!(service.call(&Request::Get), Ok((1, begin + sum)));
}
