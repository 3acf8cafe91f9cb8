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
enum New {
    Open,
    Frozen { why: String },
    Legacy,
    Pending,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
enum Renamed {
    Open,
    Frozen { why: String },
    #[upgrade(from = "Legaci")]
    Old,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(Lost => Removed::Open))]
enum Removed {
    Open,
    Frozen { why: String },
    Legacy,
}

fn main() {}
