use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(name = "T")]
struct V1 {
    id: u32,
}

#[derive(Upgradable, Clone)]
#[upgrade(version = 2, from = V1)]
pub struct T {
    id: u32,
}

fn main() {}
