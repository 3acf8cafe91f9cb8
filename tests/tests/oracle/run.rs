//! One round: threads with random transactions on one heap, and a driver that flips it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{hint, thread};

use upgradable::{
    Background, Heap, HeldSnapshot, Pace, PromoteError, RollBackError, RunningUpgrade, Upgrade,
    UpgradeError, UpgradeState,
};
use upgradable_tests::oracle::recipe::Step;
use upgradable_tests::oracle::{
    Action, Attempt, Flip, History, Id, Lineage, Link, VERSIONS, Version,
};
use upgradable_tests::random::Random;

use crate::types;
use crate::work::{self, Worker};

/// What a round is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) seed: u64,
    pub(crate) threads: u32,
    /// Transactions of each thread.
    pub(crate) transactions: u32,
    pub(crate) objects: u32,
    /// Whether objects are written without being read. Then each flip's instant is held, to tell
    /// afterwards which of several such writes was the last.
    pub(crate) blind: bool,
    /// Whether instants are held and read later.
    pub(crate) holds: bool,
    /// Whether upgrades are rolled back.
    pub(crate) back: bool,
}

/// What the threads of a round share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) heap: Heap,
    pub(crate) shape: Shape,
    /// The versions of the lineages, by era.
    eras: Vec<AtomicU64>,
    /// The newest instant that is over.
    pub(crate) over: AtomicU64,
    pub(crate) objects: Mutex<Vec<Link>>,
    pub(crate) held: Mutex<Vec<HeldSnapshot>>,
    pub(crate) next_writer: AtomicU64,
    pub(crate) done: AtomicUsize,
    stop: AtomicBool,
}

/// Eras of a round at most.
const ERAS: usize = 200;

impl Shared {
    fn new(shape: Shape, versions: [Version; 3]) -> Self {
        let shared = Self {
            heap: Heap::new(),
            shape,
            eras: (0..ERAS).map(|_| AtomicU64::new(0)).collect(),
            over: AtomicU64::new(0),
            objects: Mutex::default(),
            held: Mutex::default(),
            next_writer: AtomicU64::new(1),
            done: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        };
        shared.set_versions(0, versions);
        shared
    }

    fn set_versions(&self, era: u64, [a, b, c]: [Version; 3]) {
        let word = u64::from_le_bytes([a, b, c, 1, 0, 0, 0, 0]);
        self.eras[era as usize].store(word, Ordering::SeqCst);
    }

    /// The versions that a transaction of this era must see.
    pub(crate) fn versions(&self, era: u64) -> [Version; 3] {
        let [a, b, c, known, ..] = self.eras[era as usize].load(Ordering::SeqCst).to_le_bytes();
        assert_eq!(known, 1, "era {era} has not been announced");
        [a, b, c]
    }

    pub(crate) fn is_over(&self) -> u64 {
        self.over.load(Ordering::SeqCst)
    }

    pub(crate) fn random_object(&self, random: &mut Random) -> Link {
        let objects = self.objects.lock().unwrap();
        objects[random.below(objects.len() as u32) as usize]
    }
}

/// Runs a round. What it gives is in no order.
pub(crate) fn round(shape: Shape) -> History {
    let mut random = Random::new(shape.seed);
    let mut first = |upto| 1 + random.below(upto) as Version;
    let mut versions = [first(3), first(3), first(2)];
    let parts_known = random.one_in(2);
    if !parts_known {
        versions[Lineage::Part.index()] = 1;
    }
    let shared = Shared::new(shape, versions);
    let mut attempts = vec![work::populate(&shared, &mut random, parts_known)];
    let mut driver = Driver {
        shared: &shared,
        random: random.fork(),
        versions,
        flips: Vec::new(),
        running: Vec::new(),
        instants: Vec::new(),
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..shape.threads)
            .map(|thread| {
                let (shared, random) = (&shared, random.fork());
                scope.spawn(move || Worker::new(shared, thread, random).run())
            })
            .collect();
        let driver = scope.spawn(move || {
            driver.drive();
            driver
        });
        for worker in workers {
            attempts.extend(worker.join().unwrap());
        }
        shared.stop.store(true, Ordering::SeqCst);
        let mut driver = driver.join().unwrap();
        driver.finish(&mut attempts);
        let flips = driver.flips.iter().map(|entered| entered.flip).collect();
        History { versions, attempts, flips }
    })
}

/// A flip, and whom to ask about it.
struct Entered {
    flip: Flip,
    upgrade: RunningUpgrade,
}

/// Upgrades the heap at random, and takes upgrades back.
struct Driver<'s> {
    shared: &'s Shared,
    random: Random,
    versions: [Version; 3],
    flips: Vec<Entered>,
    /// Upgrades that can be rolled back, in order.
    running: Vec<usize>,
    instants: Vec<HeldSnapshot>,
}

impl Driver<'_> {
    fn drive(&mut self) {
        while !self.shared.stop.load(Ordering::SeqCst) && self.flips.len() + 2 < ERAS {
            self.pause();
            match self.random.below(10) {
                0..5 => self.upgrade(),
                5..8 if self.shared.shape.back => self.roll_back(),
                8 => self.promote(),
                _ => {
                    if let Some(&newest) = self.running.last() {
                        let _ = self.flips[newest].upgrade.wait_timeout(Duration::from_millis(1));
                    }
                }
            }
        }
    }

    /// Until so many transactions more are over.
    fn pause(&mut self) {
        let done = &self.shared.done;
        let from = done.load(Ordering::Relaxed);
        let transactions = match self.random.below(4) {
            0 => 0,
            1 => self.random.below(8),
            _ => self.random.below(self.shared.shape.threads * self.shared.shape.transactions / 12),
        };
        while done.load(Ordering::Relaxed) < from + transactions as usize
            && !self.shared.stop.load(Ordering::Relaxed)
        {
            thread::yield_now();
        }
    }

    fn era(&self) -> u64 {
        self.flips.len() as u64
    }

    fn entered(&mut self, upgrade: RunningUpgrade, undoes: Option<usize>, actions: [Action; 3]) {
        let at = upgrade.flipped_at().to_bits();
        assert_eq!(upgradable_tests::oracle::era(at), self.era() + 1, "only the driver flips");
        self.shared.over.fetch_max(at, Ordering::SeqCst);
        if self.shared.shape.blind {
            self.instants.push(self.shared.heap.hold());
        }
        self.flips.push(Entered { flip: Flip { at, undoes, actions, converted: 0 }, upgrade });
    }

    fn upgrade(&mut self) {
        let mut plan = Upgrade::to(format!("flip {}", self.flips.len()));
        let (mut actions, mut versions) = ([Action::Keep; 3], self.versions);
        for lineage in Lineage::ALL {
            let version = versions[lineage.index()];
            let step = Step { lineage, from: version };
            let hesitate = self.shared.shape.back && step.is_one_way() && !self.random.one_in(4);
            // The recipes try which version of parts is current, and would be told the wrong one if
            // they ran for a flip that changed it and was undone.
            let hesitate = hesitate
                || self.shared.shape.back
                    && lineage == Lineage::Part
                    && actions[Lineage::Node.index()] == Action::Step;
            match self.random.below(4) {
                0 | 1 if version < VERSIONS && !hesitate => {
                    plan = types::migrate(plan, lineage, version);
                    actions[lineage.index()] = Action::Step;
                    versions[lineage.index()] += 1;
                }
                2 => {
                    plan = types::refresh(plan, lineage, version);
                    actions[lineage.index()] = Action::Refresh;
                }
                _ => {}
            }
        }
        if actions == [Action::Keep; 3] {
            return;
        }
        plan = match self.random.below(6) {
            0 => plan.background(Background::Off),
            1 | 2 => plan.background(Background::On(Pace::Full)),
            3 => plan.eager(1 + self.random.below(2) as usize),
            _ => plan,
        };
        self.shared.set_versions(self.era() + 1, versions);
        match self.shared.heap.upgrade(plan) {
            Ok(upgrade) => {
                self.versions = versions;
                self.running.push(self.flips.len());
                self.entered(upgrade, None, actions);
            }
            // It may hang on an instant that is held.
            Err(UpgradeError::RollingBack) => self.shared.held.lock().unwrap().clear(),
            Err(error) => panic!("{error}"),
        }
    }

    fn roll_back(&mut self) {
        let Some(&newest) = self.running.last() else { return };
        let actions = self.flips[newest].flip.actions;
        let mut versions = self.versions;
        for lineage in Lineage::ALL {
            if actions[lineage.index()] == Action::Step {
                versions[lineage.index()] -= 1;
            }
        }
        self.shared.set_versions(self.era() + 1, versions);
        match self.flips[newest].upgrade.roll_back() {
            Ok(back) => {
                self.versions = versions;
                self.running.pop();
                self.entered(back, Some(newest), actions);
            }
            Err(RollBackError::Irreversible { .. }) => self.running.clear(),
            Err(RollBackError::NotNewest { .. }) => self.shared.held.lock().unwrap().clear(),
            Err(error) => panic!("{error}"),
        }
    }

    fn promote(&mut self) {
        let Some(&first) = self.running.first() else { return };
        match self.flips[first].upgrade.promote() {
            Ok(()) => drop(self.running.remove(0)),
            Err(PromoteError::Incomplete { .. } | PromoteError::NotEarliest { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Looks at everything, now and at all instants that are held, and waits for every flip.
    fn finish(&mut self, attempts: &mut Vec<Attempt>) {
        let shared = self.shared;
        attempts.push(work::look_at_all(shared));
        let mut instants = std::mem::take(&mut self.instants);
        instants.append(&mut shared.held.lock().unwrap());
        attempts.extend(instants.iter().map(|held| work::look_back_at_all(shared, held)));
        drop(instants);
        for Entered { upgrade, .. } in &self.flips {
            if !upgrade.state().is_final() && upgrade.state() != UpgradeState::RollingBack {
                upgrade.wait_timeout(Duration::from_secs(60)).unwrap();
            }
        }
        attempts.push(work::look_at_all(shared));
        for Entered { upgrade, flip } in &mut self.flips {
            let progress = upgrade.progress();
            assert_eq!(progress.failed, 0, "{:?}", upgrade.failures());
            flip.converted = progress.transformed();
        }
    }
}

/// Gives time to others, sometimes until there is a new era.
pub(crate) fn linger(shared: &Shared, random: &mut Random) {
    match random.below(60) {
        0..6 => thread::yield_now(),
        6..9 => (0..random.below(2_000)).for_each(|_| hint::spin_loop()),
        9 => {
            // On a busy machine each turn given away may take milliseconds.
            let (era, begun) = (shared.heap.now().era(), Instant::now());
            for _ in 0..random.below(2_000) {
                if shared.heap.now().era() != era
                    || shared.stop.load(Ordering::Relaxed)
                    || begun.elapsed() > Duration::from_millis(2)
                {
                    break;
                }
                thread::yield_now();
            }
        }
        _ => {}
    }
}

/// The names of all objects.
pub(crate) fn names(shared: &Shared) -> Vec<Link> {
    shared.objects.lock().unwrap().clone()
}

/// The word of a write.
pub(crate) fn writer(shared: &Shared) -> u64 {
    shared.next_writer.fetch_add(1, Ordering::Relaxed)
}

/// The part of an object, if it has been split.
pub(crate) fn part(id: Id) -> Link {
    Link { lineage: Lineage::Part, object: id }
}
