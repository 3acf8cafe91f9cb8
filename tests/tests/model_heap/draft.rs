//! One transaction's operations.

use std::collections::HashMap;

use upgradable::{AccessError, Ref, Tx};

use super::item::{Item, with_item};
use super::rig::Op;
use super::show::{Collections, Name, show};
use super::state::{State, Value};
use super::types::{Item1, Item2, Item3, Item4, Pair1, Pair2};

/// A transaction on both, while it runs.
pub(crate) struct Draft<'a> {
    pub(crate) state: State,
    pub(crate) names: Vec<Name>,
    pub(crate) numbers: HashMap<u64, usize>,
    pub(crate) changed: Vec<usize>,
    pub(crate) collections: Collections,
    pub(crate) tx: &'a Tx<'a>,
}

impl Draft<'_> {
    /// An object, whether it is there or not.
    fn pick(&self, a: u8) -> Option<(usize, Name)> {
        let at = usize::from(a) % self.names.len().max(1);
        Some((at, *self.names.get(at)?))
    }

    fn pick_item(&self, a: u8) -> Option<(usize, Name)> {
        self.pick(a).filter(|(_, name)| name.is_item)
    }

    fn created(&mut self, bits: u64, value: Value) {
        let number = self.names.len();
        self.names.push(Name { bits, is_item: value.is_item() });
        self.numbers.insert(bits, number);
        self.state.objects.insert(number, value);
        self.changed.push(number);
    }

    /// Runs an operation in a part of the transaction that is undone.
    pub(crate) fn undone(&mut self, op: &Op) {
        let before = (self.state.clone(), self.names.clone(), self.numbers.clone());
        let changed = self.changed.len();
        let undone = self.tx.nested(|_| {
            self.run(op);
            Err::<(), _>(())
        });
        assert_eq!(undone, Err(()));
        (self.state, self.names, self.numbers) = before;
        self.changed.truncate(changed);
    }

    pub(crate) fn run(&mut self, &[what, a, b, c]: &Op) {
        let (tx, items) = (self.tx, self.state.items);
        let n = u64::from(b);
        match what % 32 {
            17 => with_item!(items, T => {
                let item = T::make(n, c % 16);
                let value = item.show();
                let made = tx.create(item).unwrap();
                self.created(made.to_bits(), value);
            }),
            18 => {
                let Some((at, item)) = self.pick_item(a) else { return };
                if self.state.pairs == 0 {
                    let made = tx.create(Pair1 { item: item.of(), k: n }).unwrap();
                    self.created(made.to_bits(), Value::Pair1 { item: at, k: n });
                } else {
                    let made = tx.create(Pair2 { item: item.of(), k: n, seen: 5 }).unwrap();
                    self.created(made.to_bits(), Value::Pair2 { item: at, k: n, seen: 5 });
                }
            }
            19 | 20 => {
                let Some((at, name)) = self.pick(a) else { return };
                let found = show(tx, name, &self.state, &self.numbers);
                match self.state.objects.get(&at) {
                    None => assert_eq!(found, Err(AccessError::Deleted)),
                    Some(Value::Stuck { .. }) => assert!(found.is_err()),
                    Some(value) => assert_eq!(found.as_ref(), Ok(value)),
                }
            }
            21..=23 => {
                let Some((at, name)) = self.pick_item(a) else { return };
                let written = with_item!(items, T => if c % 2 == 0 {
                    tx.write(name.of(), T::make(n, c % 16)).map(|()| T::make(n, c % 16).show())
                } else {
                    tx.modify(name.of::<T>(), |item| {
                        *item.number() += n;
                        item.show()
                    })
                });
                match self.state.objects.get_mut(&at) {
                    Some(Value::Stuck { .. }) | None => assert!(written.is_err()),
                    Some(_) => {
                        if c % 2 == 1 {
                            let read = show(tx, name, &self.state, &self.numbers);
                            assert_eq!(read.as_ref(), written.as_ref());
                        }
                        *self.state.objects.get_mut(&at).unwrap() = written.unwrap();
                        self.changed.push(at);
                    }
                }
            }
            24 => self.delete(a),
            25 if c % 4 == 0 => {
                assert_eq!(tx.remove_root("root"), self.state.root.take().is_some());
            }
            25 => {
                let Some((at, name)) = self.pick_item(a) else { return };
                tx.set_root("root", name.of::<Item1>());
                self.state.root = Some(at);
            }
            _ => self.run_collection(what, a, b, c),
        }
    }

    fn delete(&mut self, a: u8) {
        let (tx, items) = (self.tx, self.state.items);
        let Some((at, name)) = self.pick(a) else { return };
        let deleted = if name.is_item {
            with_item!(items, T => tx.delete(name.of::<T>()))
        } else if self.state.pairs == 0 {
            tx.delete(name.of::<Pair1>())
        } else {
            tx.delete(name.of::<Pair2>())
        };
        assert_eq!(deleted.is_ok(), self.state.objects.remove(&at).is_some());
    }

    fn run_collection(&mut self, what: u8, a: u8, b: u8, c: u8) {
        let (tx, key) = (self.tx, u32::from(b) % 64);
        let Collections { map, hash, sequence, queue } = self.collections;
        let Some((at, name)) = self.pick_item(a) else { return };
        let number = |value: Ref<Item1>| self.numbers[&value.to_bits()];
        let state = &mut self.state;
        match (what % 32, c % 2) {
            (26, 0) => {
                let before = map.insert_ref(tx, key, name.of()).unwrap().map(number);
                assert_eq!(before, state.map.insert(key, at));
            }
            (26, _) => {
                let before = map.remove_ref(tx, &key).unwrap().map(number);
                assert_eq!(before, state.map.remove(&key));
            }
            (27, 0) => {
                let before = hash.insert_ref(tx, key, name.of()).unwrap().map(number);
                assert_eq!(before, state.hash.insert(key, at));
            }
            (27, _) => {
                let before = hash.remove_ref(tx, &key).unwrap().map(number);
                assert_eq!(before, state.hash.remove(&key));
            }
            (28, 0) => {
                let place = usize::from(b) % (state.sequence.len() + 1);
                assert!(sequence.insert_ref(tx, place, name.of()).unwrap());
                state.sequence.insert(place, at);
            }
            (28, _) => {
                let place = usize::from(b) % (state.sequence.len() + 1);
                let before = sequence.remove_ref(tx, place).unwrap().map(number);
                let expected = (place < state.sequence.len()).then(|| state.sequence.remove(place));
                assert_eq!(before, expected);
            }
            (29, 0) => {
                queue.push_ref(tx, name.of()).unwrap();
                state.queue.push(at);
            }
            (29, _) => {
                let expected = (!state.queue.is_empty()).then(|| state.queue.remove(0));
                assert_eq!(queue.pop_ref(tx).unwrap().map(number), expected);
            }
            // Many at once.
            (30, 0) => {
                for key in key * 10..key * 10 + 40 {
                    let before = map.insert_ref(tx, key, name.of()).unwrap().map(number);
                    assert_eq!(before, state.map.insert(key, at));
                }
            }
            (30, _) => {
                for key in key * 10..key * 10 + 60 {
                    let before = map.remove_ref(tx, &key).unwrap().map(number);
                    assert_eq!(before, state.map.remove(&key));
                }
            }
            _ => {
                let range = map.range_refs(tx, key..).map(|entry| *entry.unwrap().0);
                assert!(range.eq(state.map.range(key..).map(|(key, _)| *key)));
                let range = map.range_refs(tx, ..=key).rev().map(|entry| *entry.unwrap().0);
                assert!(range.eq(state.map.range(..=key).rev().map(|(key, _)| *key)));
                assert_eq!(
                    hash.get_ref(tx, &key).unwrap().map(number),
                    state.hash.get(&key).copied()
                );
            }
        }
    }
}
