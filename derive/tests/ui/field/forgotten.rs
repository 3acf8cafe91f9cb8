use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

/// Where there is a way back.
#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct Reversible {
    id: u64,
}

/// Where there is none.
#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct OneWay {
    #[upgrade(with = |id| id.to_string())]
    id: String,
}

mod old {
    #[derive(upgradable::Upgradable, Clone)]
    pub struct Tuple(pub u8, pub u8);
}

#[derive(Upgradable, Clone)]
#[upgrade(from = old::Tuple)]
struct Tuple(u8);

fn main() {}
