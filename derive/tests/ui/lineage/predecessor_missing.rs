use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(name = "T", version = 2, from = v1::T)]
struct T {
    id: u32,
}

fn main() {}
