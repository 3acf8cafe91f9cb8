use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct New {
    id: u64,
    name: String,
    fresh: bool,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct Renamed {
    #[upgrade(from = "identity", with = |id| id.to_string())]
    id: String,
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(legacy))]
struct Removed {
    id: u32,
    name: String,
}

fn main() {}
