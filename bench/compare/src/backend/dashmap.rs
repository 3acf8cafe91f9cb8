//! dashmap: the variables are the values of one sharded map, each locked with its shard, so one
//! variable at a time.

use ::dashmap::DashMap;

use super::Backend;

/// A map from index to value.
pub(crate) struct Mapped {
    map: DashMap<u64, u64>,
}

impl Backend for Mapped {
    type Local<'a> = ();

    fn new(values: &[u64]) -> Self {
        let map = DashMap::with_capacity(values.len());
        for (index, &value) in (0..).zip(values) {
            map.insert(index, value);
        }
        Self { map }
    }

    fn local(&self) {}

    #[inline]
    fn get(&self, _: &mut (), index: usize) -> u64 {
        *self.map.get(&(index as u64)).expect("every index is in the map")
    }

    #[inline]
    fn add(&self, _: &mut (), index: usize, amount: u64) {
        let mut value = self.map.get_mut(&(index as u64)).expect("every index is in the map");
        *value = value.wrapping_add(amount);
    }
}
