//! Flipper (from the ATLAS prototype, through ScalaSTM): threads flip bits of common words, each
//! its own bit, and note what they see. Run one after the other they must have seen the same.

use std::sync::Barrier;
use std::thread;

use upgradable_stm::{Domain, TVar};

use super::{Dice, watched};

const ROUNDS: usize = 2;
const TRANSACTIONS: usize = 40;
const STEPS: usize = 40;
const THREADS: usize = 3;
const WORDS: usize = 300;

/// What a thread does in a step: looks at a word, and maybe flips its bit there.
#[derive(Clone, Copy)]
struct Step {
    word: usize,
    flips: bool,
}

/// The steps of one thread in one round, by transaction.
fn script(thread: usize, round: usize) -> Vec<Vec<Step>> {
    let mut dice = Dice::new((thread * 100 + round) as u64);
    let mut step = || Step { word: dice.throw(WORDS), flips: dice.throw(2) == 0 };
    (0..TRANSACTIONS).map(|_| (0..STEPS).map(|_| step()).collect()).collect()
}

#[test]
fn flipper() {
    watched(|| {
        let domain = Domain::new();
        let words: Vec<TVar<u32>> = (0..WORDS).map(|_| domain.tvar(0)).collect();
        let barrier = Barrier::new(THREADS);
        let mut sequential = vec![0_u32; WORDS];
        for round in 0..ROUNDS {
            thread::scope(|scope| {
                for thread in 0..THREADS {
                    let bit = 1 << thread;
                    // Nobody else touches the bit: so what is seen of it does not depend on them.
                    let expected: Vec<Vec<bool>> = script(thread, round)
                        .iter()
                        .map(|steps| {
                            let mut step = |step: &Step| {
                                let seen = sequential[step.word] & bit != 0;
                                sequential[step.word] ^= if step.flips { bit } else { 0 };
                                seen
                            };
                            steps.iter().map(&mut step).collect()
                        })
                        .collect();
                    let (domain, words, barrier) = (&domain, &words, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        for (steps, expected) in script(thread, round).iter().zip(&expected) {
                            domain.atomically(|tx| {
                                for (step, &expected) in steps.iter().zip(expected) {
                                    let word = tx.read(&words[step.word]);
                                    assert_eq!(word & bit != 0, expected);
                                    if step.flips {
                                        tx.write(&words[step.word], word ^ bit);
                                    }
                                }
                                Ok(())
                            });
                        }
                    });
                }
            });
        }
        let parallel: Vec<u32> = domain.snapshot(|s| words.iter().map(|w| *s.read(w)).collect());
        assert_eq!(parallel, sequential);
    });
}
