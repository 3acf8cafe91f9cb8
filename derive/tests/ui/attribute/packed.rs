use upgradable::Upgradable;

#[derive(Upgradable, Clone, Copy)]
#[repr(C, packed(2))]
struct T {
    a: u8,
    b: u32,
}

fn main() {}
