//! What a reader sees, in the words of the model.

use std::collections::HashMap;

use upgradable::collections::{OrderedMap, Queue, Sequence, TxHashMap};
use upgradable::{AccessError, Read, Ref};

use super::item::{Item, with_item};
use super::state::{State, Value};
use super::types::{Item1, Item2, Item3, Item4, Pair1, Pair2};

/// The collections that the program has.
#[derive(Clone, Copy)]
pub(crate) struct Collections {
    pub(crate) map: OrderedMap<u32, Item1>,
    pub(crate) hash: TxHashMap<u32, Item1>,
    pub(crate) sequence: Sequence<Item1>,
    pub(crate) queue: Queue<Item1>,
}

#[derive(Clone, Copy)]
pub(crate) struct Name {
    pub(crate) bits: u64,
    pub(crate) is_item: bool,
}

impl Name {
    pub(crate) fn of<T>(self) -> Ref<T> {
        Ref::from_bits(self.bits)
    }
}

/// What a reader finds under a name, for a program of the versions that a state has.
pub(crate) fn show(
    reader: &impl Read,
    name: Name,
    state: &State,
    numbers: &HashMap<u64, usize>,
) -> Result<Value, AccessError> {
    let number = |item: Ref<Item1>| numbers[&item.to_bits()];
    if name.is_item {
        with_item!(state.items, T => reader.read(name.of::<T>()).map(T::show))
    } else if state.pairs == 0 {
        let pair = reader.read(name.of::<Pair1>())?;
        Ok(Value::Pair1 { item: number(pair.item), k: pair.k })
    } else {
        let pair = reader.read(name.of::<Pair2>())?;
        Ok(Value::Pair2 { item: number(pair.item), k: pair.k, seen: pair.seen })
    }
}

pub(crate) fn check_collections(
    reader: &impl Read,
    collections: Collections,
    state: &State,
    bits: impl Fn(usize) -> u64,
) {
    let Collections { map, hash, sequence, queue } = collections;
    map.check(reader).unwrap();
    hash.check(reader).unwrap();
    sequence.check(reader).unwrap();
    queue.check(reader).unwrap();
    let entries = map.iter_refs(reader).map(|entry| entry.unwrap());
    let entries: Vec<_> = entries.map(|(&key, value)| (key, value.to_bits())).collect();
    let expected: Vec<_> = state.map.iter().map(|(&key, &at)| (key, bits(at))).collect();
    assert_eq!(entries, expected);
    let entries = hash.iter_refs(reader).map(|entry| entry.unwrap());
    let mut entries: Vec<_> = entries.map(|(&key, value)| (key, value.to_bits())).collect();
    entries.sort_unstable();
    let expected: Vec<_> = state.hash.iter().map(|(&key, &at)| (key, bits(at))).collect();
    assert_eq!(entries, expected);
    let values: Vec<_> = sequence.iter_refs(reader).map(|at| at.unwrap().to_bits()).collect();
    assert_eq!(values, state.sequence.iter().map(|&at| bits(at)).collect::<Vec<_>>());
    let values: Vec<_> = queue.iter_refs(reader).map(|at| at.unwrap().to_bits()).collect();
    assert_eq!(values, state.queue.iter().map(|&at| bits(at)).collect::<Vec<_>>());
    let root = reader.root::<Item1>("root").unwrap().map(Ref::to_bits);
    assert_eq!(root, state.root.map(bits));
}
