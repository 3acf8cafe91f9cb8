use upgradable::Upgradable;

use std::collections::BTreeMap;

#[derive(Upgradable, Clone)]
#[upgrade(name = "Index")]
struct IndexV1<K> {
    map: BTreeMap<K, u8>,
}

#[derive(Upgradable, Clone)]
#[upgrade(version = 2, from = IndexV1<K>)]
struct Index<K> {
    map: BTreeMap<K, u16>,
}

fn main() {}
