use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "bank.Account", from = V1)]
struct T {
    id: u32,
    name: String,
}

fn main() {}
