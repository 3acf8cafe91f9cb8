use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(name = "E")]
enum V1 {
    Open,
    Frozen { why: String },
    Legacy,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(Legacy))]
enum A {
    Open,
    Frozen { why: String },
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(Legacy = A::Open))]
enum B {
    Open,
    Frozen { why: String },
}

fn main() {}
