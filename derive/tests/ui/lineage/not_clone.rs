use upgradable::Upgradable;

#[derive(Upgradable)]
struct T {
    id: u32,
}

fn main() {}
