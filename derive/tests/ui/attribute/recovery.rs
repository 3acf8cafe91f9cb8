use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

/// An error in one value does not hide the next one, and makes no others.
#[derive(Upgradable, Clone)]
#[upgrade(from = , version = 0, colour(a, b), name = "")]
struct T {
    #[upgrade(with = |, default = 1 2, skip, from = "")]
    id: u32,
}

fn main() {}
