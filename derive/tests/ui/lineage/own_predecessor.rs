use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(version = 2, from = T)]
struct T {
    id: u32,
}

fn main() {}
