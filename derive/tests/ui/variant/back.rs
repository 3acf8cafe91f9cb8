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
enum Takes {
    Open,
    Frozen { why: String },
    Legacy,
    #[upgrade(new, back = |n: u8| V1::Open)]
    New,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
enum Gives {
    Open,
    Frozen { why: String },
    Legacy,
    #[upgrade(new, back = |_| Gives::Open)]
    New,
}

fn main() {}
