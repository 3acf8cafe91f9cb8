use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(verison = 1)]
struct T {
    #[upgrade(defualt = 3)]
    a: u8,
    #[upgrade(tri_with = f)]
    b: u8,
}

fn main() {}
