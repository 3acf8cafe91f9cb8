use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(version = 2, version = 3, from = V1)]
#[upgrade(name = "a", name = "b")]
struct T {
    #[upgrade(skip, skip, from = id, from = id)]
    id: u32,
    name: String,
}

fn main() {}
