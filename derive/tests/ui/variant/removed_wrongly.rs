use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(name = "E")]
enum V1 {
    Open,
    Frozen { why: String },
    Legacy,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(Legacy => 7))]
enum Value {
    Open,
    Frozen { why: String },
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(Legacy => Twice::Open, Legacy => Twice::Open))]
enum Twice {
    Open,
    Frozen { why: String },
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(Legacy => Kept::Open))]
enum Kept {
    Open,
    Frozen { why: String },
    Legacy,
}

fn main() {}
