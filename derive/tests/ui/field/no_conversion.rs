use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Clone)]
struct Money;

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct T {
    id: String,
    name: Vec<Money>,
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "Narrow")]
struct Wide {
    a: u64,
    list: Vec<u64>,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = Wide)]
struct Narrow {
    a: u32,
    list: Vec<u32>,
}

fn main() {}
