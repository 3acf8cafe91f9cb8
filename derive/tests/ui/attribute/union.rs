use upgradable::Upgradable;

#[derive(Upgradable, Clone, Copy)]
union T {
    a: u8,
    b: i8,
}

fn main() {}
