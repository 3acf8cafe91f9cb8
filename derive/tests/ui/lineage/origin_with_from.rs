use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(version = 2, from = V1, origin)]
struct T {
    id: u32,
    name: String,
}

fn main() {}
