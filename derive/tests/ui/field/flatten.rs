use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct Bare {
    #[upgrade(flatten)]
    inner: Inner,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct Empty {
    #[upgrade(flatten())]
    inner: Inner,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct Rest {
    #[upgrade(flatten(id, .., name))]
    inner: Inner,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct Pair {
    #[upgrade(flatten(0 = "id", 1 = "name"))]
    inner: (u32, String),
}

fn main() {}
