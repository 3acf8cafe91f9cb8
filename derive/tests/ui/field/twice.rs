use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct Shared {
    id: u32,
    #[upgrade(from = "id")]
    again: u32,
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct Flat {
    id: u32,
    #[upgrade(flatten(id, a = "name"))]
    inner: Inner,
}

fn main() {}
