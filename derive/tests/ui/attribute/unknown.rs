use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(colour = "red")]
struct T {
    #[upgrade(colour)]
    a: u8,
}

#[derive(Upgradable, Clone)]
enum E {
    #[upgrade(colour = 1)]
    A,
}

fn main() {}
