//! Two versions of a program behind a service under load: the second has a new type and a new
//! answer, and is rolled back, and comes again.
//!
//! `cargo run --release -p upgradable --example service`

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use upgradable::{
    Abort, AccessError, Heap, Program, Ref, Service, Snapshot, Tx, Upgradable, Upgrade,
};

mod v1 {
    #[derive(upgradable::Upgradable, Clone)]
    #[upgrade(name = "votes.Candidate")]
    pub(crate) struct Candidate {
        pub(crate) name: String,
        pub(crate) votes: u64,
    }
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "votes.Candidate", version = 2, from = v1::Candidate)]
struct Candidate {
    name: String,
    #[upgrade(from = "votes", with = |votes: &u64| [*votes, 0], back = |v: &[u64; 2]| v[0] + v[1])]
    votes_by_channel: [u64; 2],
}

enum Request {
    Vote(usize),
    Standing(usize),
}

/// The code of version 1.
struct Ballot(Vec<Ref<v1::Candidate>>);

impl Program for Ballot {
    type Request = Request;
    type Response = String;

    fn execute(&self, tx: &Tx<'_>, request: &Request) -> Result<String, Abort<String>> {
        let (Request::Vote(who) | Request::Standing(who)) = request;
        tx.modify(self.0[*who], |candidate| candidate.votes += 1)?;
        Ok("thank you".to_owned())
    }

    fn query(&self, s: &Snapshot<'_>, request: &Request) -> Option<Result<String, AccessError>> {
        let Request::Standing(who) = request else { return None };
        let standing = |c: &v1::Candidate| format!("{}: {} votes", c.name, c.votes);
        Some(s.read(self.0[*who]).map(standing))
    }
}

/// The code of version 2: it knows where votes come from.
struct OnlineBallot(Vec<Ref<Candidate>>);

impl Program for OnlineBallot {
    type Request = Request;
    type Response = String;

    fn execute(&self, tx: &Tx<'_>, request: &Request) -> Result<String, Abort<String>> {
        let (Request::Vote(who) | Request::Standing(who)) = request;
        tx.modify(self.0[*who], |candidate| candidate.votes_by_channel[1] += 1)?;
        Ok("thank you for voting online".to_owned())
    }

    fn query(&self, s: &Snapshot<'_>, request: &Request) -> Option<Result<String, AccessError>> {
        let Request::Standing(who) = request else { return None };
        let standing = |c: &Candidate| {
            let [hall, online] = c.votes_by_channel;
            format!("{}: {hall} votes in the hall, {online} online", c.name)
        };
        Some(s.read(self.0[*who]).map(standing))
    }
}

const CANDIDATES: usize = 1_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let heap = Heap::new();
    let candidates: Vec<Ref<v1::Candidate>> = heap.atomically(|tx| {
        let candidate = |n| v1::Candidate { name: format!("candidate {n}"), votes: 0 };
        (0..CANDIDATES).map(|n| Ok(tx.create(candidate(n))?)).collect()
    })?;
    let online: Vec<Ref<Candidate>> = candidates.iter().map(|candidate| candidate.cast()).collect();
    let service = Service::new(heap, Ballot(candidates));

    let (stop, votes, slowest) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| -> Result<(), Box<dyn std::error::Error>> {
        for seed in 0..2_usize {
            let (service, stop, votes, slowest) = (&service, &stop, &votes, &slowest);
            scope.spawn(move || {
                let mut n = seed;
                while !stop.load(Ordering::Relaxed) {
                    n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let begun = Instant::now();
                    if service.call(&Request::Vote((n >> 33) % CANDIDATES)).is_ok() {
                        votes.fetch_add(1, Ordering::Relaxed);
                    }
                    slowest.fetch_max(begun.elapsed().as_micros() as u64, Ordering::Relaxed);
                }
            });
        }
        let show = |what: &str| -> Result<(), upgradable::TxError> {
            thread::sleep(Duration::from_millis(150));
            let standing = service.call(&Request::Standing(0))?;
            let slowest = slowest.swap(0, Ordering::Relaxed);
            println!("{what:28} {standing} (slowest vote: {slowest} us)");
            Ok(())
        };
        show("version 1")?;
        let plan = || Upgrade::to("2").migrate::<v1::Candidate, Candidate>();
        let running = service.upgrade(plan(), OnlineBallot(online.clone()))?;
        show("upgraded to version 2")?;
        running.roll_back()?.wait()?;
        show("rolled back to version 1")?;
        let running = service.upgrade(plan(), OnlineBallot(online.clone()))?;
        running.wait()?;
        running.promote()?;
        show("version 2 again, promoted")?;
        stop.store(true, Ordering::Relaxed);
        Ok(())
    })?;
    let counted = service.heap().snapshot(|s| -> Result<u64, AccessError> {
        online.iter().map(|&c| Ok(s.read(c)?.votes_by_channel.iter().sum::<u64>())).sum()
    })?;
    println!("{} votes were given, {counted} counted", votes.load(Ordering::Relaxed));
    assert_eq!(votes.load(Ordering::Relaxed), counted);
    Ok(())
}
