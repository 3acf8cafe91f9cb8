//! An upgrade at every point: the same three transactions, hand over hand, once for each place of
//! the flip between any two steps of theirs; then for two flips, and for a flip and its roll back.
//!
//! What each transaction must come to follows from the laws alone: those that only read always
//! commit, in one execution; those that write commit where they are, or just before the flip, or
//! are executed again. What they read is judged by the oracle.

#[allow(dead_code, reason = "the oracle does more with them")]
#[path = "oracle/types.rs"]
mod types;

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use upgradable::{Abort, Background, Heap, RunningUpgrade, Tx, Upgrade};
use upgradable_tests::oracle::judge::judge;
use upgradable_tests::oracle::{
    Action, Attempt, Flip, History, Lineage, Link, Op, Payload, Version, end_of_era, era,
};
use upgradable_tests::random::Random;

/// What a transaction does in one step. Objects 0 and 1 are migrated; 2 is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Do {
    Read(usize),
    Add(usize),
}

/// A transaction: what it does, and whether it is read-only.
#[derive(Clone, Copy, Debug)]
struct Script {
    steps: &'static [Do],
    reads_only: bool,
}

const READER: Script = Script { steps: &[Do::Read(0), Do::Read(1), Do::Read(2)], reads_only: true };
const MIGRATED_ONLY: Script = Script { steps: &[Do::Read(0), Do::Add(1)], reads_only: false };
const BOTH: Script = Script { steps: &[Do::Add(0), Do::Add(2)], reads_only: false };
const CROSSED: Script = Script { steps: &[Do::Read(1), Do::Add(0)], reads_only: false };
const LOOKS_AT_UNCHANGED: Script = Script { steps: &[Do::Read(2), Do::Add(0)], reads_only: false };

const CASTS: [[Script; 3]; 4] = [
    [READER, MIGRATED_ONLY, CROSSED],
    [READER, MIGRATED_ONLY, BOTH],
    [MIGRATED_ONLY, CROSSED, BOTH],
    [READER, LOOKS_AT_UNCHANGED, BOTH],
];

/// Something that happens between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Upgrade,
    RollBack,
}

/// One run: who does the next step, and before which steps something happens.
#[derive(Clone, Debug)]
struct Plan {
    cast: [Script; 3],
    order: Vec<usize>,
    turns: Vec<(usize, Turn)>,
    /// The version of the migrated objects in the beginning. Steps from an even one read others.
    first: Version,
}

impl Plan {
    fn lineages(&self) -> [Version; 3] {
        [self.first, 1, 1]
    }
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ended {
    executions: usize,
    late: bool,
}

/// All orders are made of these: begin, each step, commit, for each transaction.
fn order(cast: &[Script; 3], random: &mut Random) -> Vec<usize> {
    let mut left = cast.map(|script| script.steps.len() + 2);
    let mut order = Vec::new();
    while left.iter().any(|&left| left > 0) {
        let who = random.below(3) as usize;
        if left[who] > 0 {
            left[who] -= 1;
            order.push(who);
        }
    }
    order
}

/// What the threads of a run share.
struct Stage {
    heap: Heap,
    objects: [Link; 3],
    /// The versions of each era.
    eras: Mutex<Vec<[Version; 3]>>,
    attempts: Mutex<Vec<Attempt>>,
}

impl Stage {
    fn versions(&self, at: u64) -> [Version; 3] {
        self.eras.lock().unwrap()[era(at) as usize]
    }

    fn begin(&self, thread: u32, at: u64) -> Attempt {
        Attempt { thread, not_before: 0, at, ops: Vec::new(), committed: None }
    }

    fn read(&self, reader: &impl upgradable::Read, attempt: &mut Attempt, object: usize) {
        let link = self.objects[object];
        let version = self.versions(attempt.at)[link.lineage.index()];
        attempt.ops.push(match types::read(reader, link, version) {
            Ok(got) => Op::Read { link, version, got: Some(got) },
            Err(error) => Op::Fault(error.to_string()),
        });
    }

    fn add(&self, tx: &Tx<'_>, attempt: &mut Attempt, object: usize) {
        let link = self.objects[object];
        let version = self.versions(attempt.at)[link.lineage.index()];
        let writer = 100 + u64::from(attempt.thread) * 10 + object as u64;
        let change = |payload: &mut Payload| {
            payload.n += 1;
            payload.writer = writer;
        };
        match types::modify(tx, link, version, change) {
            Ok((before, payload)) => {
                attempt.ops.push(Op::Read { link, version, got: Some(before) });
                attempt.ops.push(Op::Write { object: link.object, payload });
            }
            Err(error) => attempt.ops.push(Op::Fault(error.to_string())),
        }
    }

    /// Runs one transaction; its first execution step by step, a later one at a stretch.
    fn play(&self, thread: u32, script: Script, go: &Receiver<()>, done: &Sender<()>) -> Ended {
        let (wait, ack) = (|| go.recv().unwrap(), || done.send(()).unwrap());
        wait();
        let mut executions = Vec::new();
        let late = if script.reads_only {
            executions.push(self.heap.snapshot(|s| {
                let mut attempt = self.begin(thread, s.at().to_bits());
                ack();
                for &step in script.steps {
                    let (Do::Read(object) | Do::Add(object)) = step;
                    wait();
                    self.read(s, &mut attempt, object);
                    ack();
                }
                wait();
                attempt
            }));
            false
        } else {
            let committed = self.heap.transaction().run(|tx| {
                let stepping = executions.is_empty();
                let mut attempt = self.begin(thread, tx.at().to_bits());
                for &step in script.steps {
                    if stepping {
                        ack();
                        wait();
                    }
                    match step {
                        Do::Read(object) => self.read(tx, &mut attempt, object),
                        Do::Add(object) => self.add(tx, &mut attempt, object),
                    }
                }
                if stepping {
                    ack();
                    wait();
                }
                executions.push(attempt);
                Ok::<_, Abort<Infallible>>(())
            });
            let ts = committed.unwrap().ts.to_bits();
            executions.last_mut().expect("it has run").committed = Some(ts);
            ts == end_of_era(ts)
        };
        let ended = Ended { executions: executions.len(), late };
        self.attempts.lock().unwrap().append(&mut executions);
        ack();
        ended
    }
}

/// A heap with the three objects, the later of which link to the earlier.
fn set(plan: &Plan) -> Stage {
    let heap = Heap::new();
    let mut created = Attempt { thread: 9, not_before: 0, at: 0, ops: Vec::new(), committed: None };
    let committed = heap.transaction().run(|tx| {
        created.at = tx.at().to_bits();
        let mut objects: Vec<Link> = Vec::new();
        for lineage in [Lineage::Node, Lineage::Node, Lineage::Leaf] {
            let n = objects.len() as u8;
            let payload = Arc::new(Payload {
                n: 100 + i64::from(n),
                writer: n.into(),
                recipe: 4,
                links: objects.clone(),
                ..Payload::default()
            });
            let version = plan.lineages()[lineage.index()];
            let link = Link { lineage, object: types::create(tx, lineage, version, &payload)? };
            created.ops.push(Op::Create { link, payload });
            objects.push(link);
        }
        Ok::<_, Abort<Infallible>>([objects[0], objects[1], objects[2]])
    });
    let committed = committed.unwrap();
    created.committed = Some(committed.ts.to_bits());
    Stage {
        heap,
        objects: committed.value,
        eras: Mutex::new(vec![plan.lineages()]),
        attempts: Mutex::new(vec![created]),
    }
}

/// Runs a plan, has it judged, and tells how each transaction ended.
fn run(plan: &Plan) -> [Ended; 3] {
    let stage = set(plan);
    let mut flips: Vec<(Flip, RunningUpgrade)> = Vec::new();
    let ended = thread::scope(|scope| {
        let players: Vec<_> = plan
            .cast
            .iter()
            .enumerate()
            .map(|(n, &script)| {
                let ((go, on_go), (done, on_done)) = (channel(), channel());
                let stage = &stage;
                let play = scope.spawn(move || stage.play(n as u32, script, &on_go, &done));
                (go, on_done, play)
            })
            .collect();
        for at in 0..=plan.order.len() {
            for &(_, turn) in plan.turns.iter().filter(|&&(before, _)| before == at) {
                take(turn, &stage, &mut flips);
            }
            if let Some(&who) = plan.order.get(at) {
                players[who].0.send(()).unwrap();
                players[who].1.recv().unwrap();
            }
        }
        let ended: Vec<_> = players.into_iter().map(|(.., play)| play.join().unwrap()).collect();
        [ended[0], ended[1], ended[2]]
    });
    let last = stage.heap.snapshot(|s| {
        let mut attempt = stage.begin(8, s.at().to_bits());
        (0..3).for_each(|object| stage.read(s, &mut attempt, object));
        attempt
    });
    stage.attempts.lock().unwrap().push(last);
    let history = History {
        versions: plan.lineages(),
        attempts: stage.attempts.into_inner().unwrap(),
        flips: flips.iter().map(|&(flip, _)| flip).collect(),
    };
    if let Err(violation) = judge(&history) {
        panic!("{violation}\nin {plan:?}");
    }
    ended
}

/// Upgrades the migrated objects, or takes the newest upgrade back.
fn take(turn: Turn, stage: &Stage, flips: &mut Vec<(Flip, RunningUpgrade)>) {
    let mut versions = *stage.eras.lock().unwrap().last().unwrap();
    let actions = [Action::Step, Action::Keep, Action::Keep];
    let (upgrade, undoes) = match turn {
        Turn::Upgrade => {
            let plan = Upgrade::to("next").background(Background::Off);
            let plan = types::migrate(plan, Lineage::Node, versions[0]);
            versions[0] += 1;
            stage.eras.lock().unwrap().push(versions);
            (stage.heap.upgrade(plan).unwrap(), None)
        }
        Turn::RollBack => {
            versions[0] -= 1;
            stage.eras.lock().unwrap().push(versions);
            (flips.last().unwrap().1.roll_back().unwrap(), Some(flips.len() - 1))
        }
    };
    let at = upgrade.flipped_at().to_bits();
    flips.push((Flip { at, undoes, actions, converted: 0 }, upgrade));
}

/// How each transaction must end, by the laws, when there is one flip.
fn expected(plan: &Plan) -> [Ended; 3] {
    let &[(flip, _)] = &*plan.turns else { panic!("one flip") };
    let local = plan.first % 2 == 1;
    let mut ended = [Ended { executions: 1, late: false }; 3];
    let (mut begun, mut done) = ([None; 3], [0; 3]);
    // Commits so far: when, what they wrote, and whether that was after the flip.
    let mut commits: Vec<(usize, HashSet<usize>, bool)> = Vec::new();
    let mut touched = HashSet::new();
    for (at, &who) in plan.order.iter().enumerate() {
        let script = plan.cast[who];
        let new = |since: usize| since >= flip;
        let Some(since) = begun[who] else {
            begun[who] = Some(at);
            continue;
        };
        if done[who] < script.steps.len() {
            let (Do::Read(object) | Do::Add(object)) = script.steps[done[who]];
            if new(since) {
                touched.insert(object);
            }
            done[who] += 1;
            continue;
        }
        if script.reads_only {
            continue;
        }
        let seen: HashSet<usize> =
            script.steps.iter().map(|&(Do::Read(object) | Do::Add(object))| object).collect();
        let wrote: HashSet<usize> = script
            .steps
            .iter()
            .filter_map(|&step| if let Do::Add(object) = step { Some(object) } else { None })
            .collect();
        let overtaken = !new(since) && new(at);
        // What was changed meanwhile, on its own side of the flip.
        let changed = commits.iter().any(|(when, what, by_new)| {
            *when > since && *by_new == new(since) && !what.is_disjoint(&seen)
        });
        let migrated = wrote.iter().all(|&object| object < 2);
        let late = overtaken && local && migrated && wrote.is_disjoint(&touched) && !changed;
        if changed || overtaken && !late {
            ended[who].executions = 2;
            if new(at) {
                touched.extend(&seen);
            }
        }
        ended[who].late = late;
        commits.push((at, wrote, new(at) && !late));
    }
    ended
}

/// Every order that is tried, for each of the casts.
fn each_order(casts: &[[Script; 3]], orders: u64, mut f: impl FnMut([Script; 3], Vec<usize>)) {
    for &cast in casts {
        for seed in 0..orders {
            f(cast, order(&cast, &mut Random::new(seed)));
        }
    }
}

#[test]
fn one_flip_anywhere_does_to_each_transaction_what_the_laws_say() {
    let (mut late, mut again, mut runs) = (0, 0, 0);
    for first in [1, 2] {
        each_order(&CASTS, 6, |cast, order| {
            for flip in 0..=order.len() {
                let turns = vec![(flip, Turn::Upgrade)];
                let plan = Plan { cast, order: order.clone(), turns, first };
                let (ended, expected) = (run(&plan), expected(&plan));
                assert_eq!(ended, expected, "{plan:?}");
                runs += 1;
                late += ended.iter().filter(|ended| ended.late).count();
                again += ended.iter().filter(|ended| ended.executions > 1).count();
            }
        });
    }
    println!("{runs} runs, {late} late commits, {again} executed again");
    assert!(late > 50 && again > 50, "{late} {again}");
}

/// Read-only transactions and the final state, wherever two turns are taken.
fn two_turns(first: Version, second: Turn) {
    each_order(&CASTS[1..3], 1, |cast, order| {
        for one in 0..=order.len() {
            for two in one..=order.len() {
                let turns = vec![(one, Turn::Upgrade), (two, second)];
                let plan = Plan { cast, order: order.clone(), turns, first };
                let ended = run(&plan);
                for (script, ended) in cast.iter().zip(ended) {
                    assert!(!script.reads_only || ended.executions == 1, "{plan:?}");
                    // Each flip, and each conflict, sends it back once at most.
                    assert!(ended.executions <= 4, "{plan:?}");
                }
            }
        }
    });
}

#[test]
fn two_flips_anywhere_are_as_if_each_had_converted_everything() {
    // Local and then reading, and the other way round.
    two_turns(1, Turn::Upgrade);
    two_turns(2, Turn::Upgrade);
}

#[test]
fn a_flip_and_its_roll_back_anywhere_are_as_if_each_had_converted_everything() {
    two_turns(1, Turn::RollBack);
    two_turns(2, Turn::RollBack);
}
