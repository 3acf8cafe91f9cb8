use upgradable::Upgradable;

#[derive(Clone)]
struct V1 {
    id: u32,
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "T", version = 2, from = V1)]
struct T {
    id: u32,
}

fn main() {}
