//! The model: plain maps of plain values, all of which are converted at each flip.

use std::collections::{BTreeMap, BTreeSet};

use super::types::{NEW_TAG, NOTHING, STUCK};

/// A value as the program knows it, whatever its version.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Item1 {
        n: u64,
        tag: u8,
    },
    Item2 {
        n: u64,
    },
    Item3 {
        n: u64,
        odd: bool,
    },
    Item4 {
        n: u64,
        noted: bool,
    },
    Pair1 {
        item: usize,
        k: u64,
    },
    Pair2 {
        item: usize,
        k: u64,
        seen: u64,
    },
    /// Could not be converted by the upgrade with this number.
    Stuck {
        by: usize,
        old: Box<Value>,
    },
}

impl Value {
    pub(crate) fn is_item(&self) -> bool {
        match self {
            Self::Pair1 { .. } | Self::Pair2 { .. } => false,
            Self::Stuck { old, .. } => old.is_item(),
            _ => true,
        }
    }

    fn number(&self) -> u64 {
        match *self {
            Self::Item1 { n, .. }
            | Self::Item2 { n }
            | Self::Item3 { n, .. }
            | Self::Item4 { n, .. } => n,
            _ => NOTHING,
        }
    }
}

/// Which lineages an upgrade concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Items,
    Pairs,
    Both,
    /// Items are written anew as they are.
    Refresh,
}

impl Step {
    pub(crate) fn moves_items(self) -> bool {
        matches!(self, Self::Items | Self::Both)
    }

    pub(crate) fn moves_pairs(self) -> bool {
        matches!(self, Self::Pairs | Self::Both)
    }
}

/// Everything that can be seen at one instant. Objects have the numbers of their creation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) objects: BTreeMap<usize, Value>,
    pub(crate) root: Option<usize>,
    pub(crate) map: BTreeMap<u32, usize>,
    pub(crate) hash: BTreeMap<u32, usize>,
    pub(crate) sequence: Vec<usize>,
    pub(crate) queue: Vec<usize>,
    /// Versions of the two lineages, less one.
    pub(crate) items: usize,
    pub(crate) pairs: usize,
    /// Notes, which only transformers create.
    pub(crate) notes: usize,
}

/// An upgrade that has neither been promoted nor rolled back.
#[derive(Clone, Debug)]
pub(crate) struct Flip {
    pub(crate) number: usize,
    pub(crate) step: Step,
    /// The instant before it.
    pub(crate) before: State,
    /// What has been written or created since.
    pub(crate) changed: BTreeSet<usize>,
}

impl State {
    /// What the flip of the upgrade with this number makes of it.
    pub(crate) fn flip(&self, number: usize, step: Step) -> Self {
        let mut after = self.clone();
        after.items += usize::from(step.moves_items());
        after.pairs += usize::from(step.moves_pairs());
        for value in after.objects.values_mut() {
            let old = value.clone();
            *value = match old {
                Value::Stuck { .. } => continue,
                Value::Item1 { tag: STUCK, .. } if step.moves_items() => {
                    Value::Stuck { by: number, old: Box::new(old) }
                }
                Value::Item1 { n, .. } if step.moves_items() => Value::Item2 { n: n / 10 },
                Value::Item2 { n } if step.moves_items() => {
                    Value::Item3 { n: n + 1000, odd: n % 2 == 1 }
                }
                Value::Item3 { n, .. } if step.moves_items() => {
                    after.notes += 1;
                    Value::Item4 { n, noted: true }
                }
                Value::Pair1 { item, k } if step.moves_pairs() => {
                    let seen = self.objects.get(&item).map_or(NOTHING, Value::number);
                    Value::Pair2 { item, k, seen }
                }
                _ => continue,
            };
        }
        after
    }

    /// What rolling the flip back makes of it.
    pub(crate) fn roll_back(&self, flip: &Flip) -> Self {
        let step = flip.step;
        let mut after = self.clone();
        (after.items, after.pairs) = (flip.before.items, flip.before.pairs);
        if step.moves_items() && flip.before.items == 2 {
            after.notes = flip.before.notes;
        }
        for (number, value) in &mut after.objects {
            let old = flip.before.objects.get(number);
            if let (Some(old), false) = (old, flip.changed.contains(number)) {
                *value = old.clone();
                continue;
            }
            *value = match value.clone() {
                Value::Item2 { n } if step.moves_items() => {
                    let tag = match old {
                        Some(Value::Item1 { tag, .. }) => *tag,
                        _ => NEW_TAG,
                    };
                    Value::Item1 { n: n * 10, tag }
                }
                Value::Item3 { n, .. } if step.moves_items() => {
                    Value::Item2 { n: n.saturating_sub(1000) }
                }
                Value::Item4 { n, .. } if step.moves_items() => Value::Item3 { n, odd: false },
                Value::Pair2 { item, k, .. } if step.moves_pairs() => Value::Pair1 { item, k },
                value => value,
            };
        }
        after
    }

    /// Whether some object could not be converted by the upgrade with this number.
    pub(crate) fn is_stuck_by(&self, number: usize) -> bool {
        let stuck = |value: &Value| matches!(value, Value::Stuck { by, .. } if *by == number);
        self.objects.values().any(stuck)
    }
}
