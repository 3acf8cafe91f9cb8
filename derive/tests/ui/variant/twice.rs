use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(name = "E")]
enum V1 {
    Open,
    Frozen { why: String },
    Legacy,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(Legacy => E::Open))]
enum E {
    Open,
    #[upgrade(from = "Open")]
    Again,
    Frozen { why: String },
}

fn main() {}
