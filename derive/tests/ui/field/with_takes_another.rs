use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

fn from_text(text: &str) -> u64 {
    text.len() as u64
}

fn from_two(id: u32, other: u32) -> u64 {
    u64::from(id + other)
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct Path {
    #[upgrade(with = from_text)]
    id: u64,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct Arity {
    #[upgrade(with = from_two)]
    id: u64,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct Closure {
    #[upgrade(with = |id: u8| u64::from(id))]
    id: u64,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct Missing {
    #[upgrade(with = no::such::function)]
    id: u64,
}

fn main() {}
