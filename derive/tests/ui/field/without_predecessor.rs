use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(removed(old))]
struct T {
    #[upgrade(default)]
    a: u8,
    #[upgrade(from = "x", with = f, back = g)]
    b: u8,
    #[upgrade(skip)]
    c: u8,
}

#[derive(Upgradable, Clone)]
enum E {
    A {
        #[upgrade(compute = f)]
        a: u8,
    },
}

fn main() {}
