use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name = 7))]
struct T {
    id: u32,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(id => 7))]
struct U {
    name: String,
}

fn main() {}
