use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Clone, Default)]
struct Inner {
    id: u64,
    label: u8,
    more: u8,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct Wrong {
    #[upgrade(flatten(id, label = "name", ..))]
    inner: Inner,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct Missing {
    #[upgrade(flatten(id))]
    inner: Inner,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct Unknown {
    #[upgrade(flatten(identity = "id", ..))]
    inner: Inner,
}

fn main() {}
