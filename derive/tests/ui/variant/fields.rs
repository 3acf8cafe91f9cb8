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
enum Fresh {
    Open,
    Frozen { why: String, since: u32 },
    Legacy,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
enum Forgotten {
    Open,
    Frozen,
    Legacy,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
enum Wrong {
    Open,
    Frozen { why: u32 },
    Legacy,
}

fn main() {}
