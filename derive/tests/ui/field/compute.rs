use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

fn text(id: u32) -> String {
    id.to_string()
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name, id))]
struct Takes {
    #[upgrade(compute = text)]
    a: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name, id))]
struct Gives {
    #[upgrade(compute = |old| old.id)]
    a: String,
    #[upgrade(compute = |old, cx| old.id)]
    b: u32,
}

fn main() {}
