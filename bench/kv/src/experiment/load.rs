//! Clients that ask and measure.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::random::Random;
use crate::wire::{Client, request};

/// The length of time for which there is one number.
pub(super) const BIN: Duration = Duration::from_millis(100);

/// Answers of one stretch of time.
#[derive(Clone, Debug)]
pub(super) struct Bin {
    pub(super) times: Histogram<u64>,
}

/// What a client has measured, in nanoseconds.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) bins: Vec<Bin>,
    /// Before the upgrade begins, and from then on.
    pub(super) halves: [Histogram<u64>; 2],
    pub(super) errors: u64,
}

/// A histogram of times up to a minute.
pub(super) fn histogram(digits: u8) -> io::Result<Histogram<u64>> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, digits).map_err(io::Error::other)
}

impl Measured {
    pub(super) fn new(length: Duration) -> io::Result<Self> {
        let bins = length.as_nanos().div_ceil(BIN.as_nanos()) as usize;
        let bin = Bin { times: histogram(2)? };
        let halves = [histogram(3)?, histogram(3)?];
        Ok(Self { bins: vec![bin; bins], halves, errors: 0 })
    }

    fn record(&mut self, at: Duration, flip: Duration, took: Duration) {
        let nanos = took.as_nanos() as u64;
        let place = (at.as_nanos() / BIN.as_nanos()) as usize;
        if let Some(bin) = self.bins.get_mut(place) {
            bin.times.saturating_record(nanos);
        }
        // By when it was asked for: what begins before the flip and waits for it counts after it.
        self.halves[usize::from(at >= flip)].saturating_record(nanos);
    }

    pub(super) fn add(&mut self, other: &Self) -> io::Result<()> {
        for (bin, other) in self.bins.iter_mut().zip(&other.bins) {
            bin.times.add(&other.times).map_err(io::Error::other)?;
        }
        for (half, other) in self.halves.iter_mut().zip(&other.halves) {
            half.add(other).map_err(io::Error::other)?;
        }
        self.errors += other.errors;
        Ok(())
    }
}

/// What a client does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub(super) address: SocketAddr,
    pub(super) entries: usize,
    pub(super) pipeline: usize,
    pub(super) begin: Instant,
    /// From the beginning on.
    pub(super) flip: Duration,
    pub(super) length: Duration,
}

/// The name of an entry: that which redis-benchmark gives it.
fn key(n: usize) -> String {
    format!("key:{n:012}")
}

/// The value that an entry begins with: every second one is a number.
fn value(n: usize) -> String {
    if n.is_multiple_of(2) { n.to_string() } else { format!("this is the value of entry {n}") }
}

/// Puts the entries there.
pub(super) fn fill(address: SocketAddr, entries: usize) -> io::Result<()> {
    const PIECE: usize = 1000;
    let mut client = Client::connect(address)?;
    let mut bytes = Vec::new();
    for first in (0..entries).step_by(PIECE) {
        let piece = first..entries.min(first + PIECE);
        bytes.clear();
        piece.clone().for_each(|n| request(&["SET", &key(n), &value(n)], &mut bytes));
        client.send(&bytes)?;
        for _ in piece {
            if client.skip()? != b'+' {
                return Err(io::Error::other("an entry was refused"));
            }
        }
    }
    Ok(())
}

/// Asks until the time is over: half of it GET, four tenths SET, the rest INCR on numbers.
pub(super) fn ask(work: Work, seed: u64, stop: &AtomicBool) -> io::Result<Measured> {
    let mut measured = Measured::new(work.length)?;
    let mut client = Client::connect(work.address)?;
    let mut random = Random::new(seed);
    let mut bytes = Vec::new();
    std::thread::sleep(work.begin.saturating_duration_since(Instant::now()));
    while !stop.load(Ordering::Relaxed) {
        bytes.clear();
        for _ in 0..work.pipeline {
            let n = random.below(work.entries);
            match random.below(10) {
                0..5 => request(&["GET", &key(n)], &mut bytes),
                5..9 => request(&["SET", &key(n), &value(n)], &mut bytes),
                _ => request(&["INCR", &key(n & !1)], &mut bytes),
            }
        }
        let sent = Instant::now();
        let at = sent.saturating_duration_since(work.begin);
        if at >= work.length {
            break;
        }
        client.send(&bytes)?;
        for _ in 0..work.pipeline {
            measured.errors += u64::from(client.skip()? == b'-');
            let now = Instant::now();
            let half = now.saturating_duration_since(work.begin);
            // Whoever asks before the upgrade and is answered after it has noticed it.
            let at = if half >= work.flip { at.max(work.flip) } else { at };
            measured.record(at, work.flip, now - sent);
        }
    }
    Ok(measured)
}
