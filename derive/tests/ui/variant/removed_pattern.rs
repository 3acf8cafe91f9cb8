use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(name = "E")]
enum V1 {
    Open,
    Frozen { why: String },
    Legacy,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(Frozen { reason } => E::Closed(reason.clone())))]
enum E {
    Open,
    Legacy,
    #[upgrade(new, back = |_| V1::Open)]
    Closed(String),
}

fn main() {}
