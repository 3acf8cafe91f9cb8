use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(name = "E")]
enum V1 {
    Open,
    Frozen { why: String },
    Legacy,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct T {
    a: u8,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = T)]
enum E {
    A,
}

fn main() {}
