use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

/// Everything is told at once, and nothing else.
#[derive(Upgradable, Clone)]
#[upgrade(version = 1, from = V1, removed(id, id), name = "")]
struct T {
    #[upgrade(with = f, default)]
    id: u32,
    #[upgrade(back = f, try_back = g)]
    name: String,
    #[upgrade(skip, flatten(a))]
    a: u8,
}

/// Uses of the type raise nothing more.
#[derive(Upgradable, Clone)]
#[upgrade(from = T)]
struct U {
    id: u32,
    name: String,
    a: u8,
}

fn upgrades<Old, New: upgradable::UpgradeFrom<Old>>() {}

fn main() {
    upgrades::<V1, T>();
    upgrades::<T, U>();
    let _ = T::VERSION;
}
