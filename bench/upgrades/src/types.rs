//! The types that are upgraded.

use upgradable::{Heap, Ref, Upgrade};

pub(crate) mod v1 {
    /// A small object.
    #[derive(upgradable::Upgradable, Clone)]
    #[upgrade(name = "bench.Account")]
    pub(crate) struct Account {
        pub(crate) id: u64,
        pub(crate) cents: u64,
    }
}

/// The same, of the same size.
#[derive(upgradable::Upgradable, Clone)]
#[upgrade(version = 2, from = v1::Account)]
pub(crate) struct Account {
    pub(crate) id: u64,
    #[upgrade(from = "cents", with = |cents: &u64| *cents * 10, back = |mills: &u64| *mills / 10)]
    pub(crate) mills: u64,
}

/// Three times as large.
#[derive(upgradable::Upgradable, Clone)]
#[upgrade(name = "bench.Account", version = 2, from = v1::Account)]
pub(crate) struct Grown {
    pub(crate) id: u64,
    pub(crate) cents: u64,
    #[upgrade(default)]
    pub(crate) limits: [u64; 4],
}

/// Of a lineage that no upgrade mentions.
#[derive(upgradable::Upgradable, Clone)]
pub(crate) struct Other {
    pub(crate) n: u64,
}

/// From one version to the next.
pub(crate) fn plan() -> Upgrade {
    Upgrade::to("2").migrate::<v1::Account, Account>()
}

/// A heap of so many accounts.
pub(crate) fn heap_of(objects: usize) -> (Heap, Vec<Ref<v1::Account>>) {
    let heap = Heap::new();
    let accounts = create(&heap, objects, |n| v1::Account { id: n, cents: n });
    (heap, accounts)
}

/// Creates so many objects.
pub(crate) fn create<T: upgradable::Upgradable>(
    heap: &Heap,
    objects: usize,
    value: impl Fn(u64) -> T,
) -> Vec<Ref<T>> {
    let mut refs = Vec::with_capacity(objects);
    while refs.len() < objects {
        let from = refs.len();
        let some = heap.atomically(|tx| {
            (from..objects.min(from + 1_000)).map(|n| Ok(tx.create(value(n as u64))?)).collect()
        });
        let some: Vec<_> = some.unwrap_or_else(|error| panic!("the heap takes objects: {error}"));
        refs.extend(some);
    }
    refs
}
