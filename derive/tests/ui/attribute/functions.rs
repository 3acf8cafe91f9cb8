use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct T {
    #[upgrade(with = 7)]
    id: u32,
    #[upgrade(with = "not a path")]
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct U {
    #[upgrade(with)]
    id: u32,
    #[upgrade(with(f))]
    name: String,
}

fn main() {}
