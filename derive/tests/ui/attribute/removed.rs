use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed)]
struct A;

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed())]
struct B;

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(id = ), name = "x")]
struct C;

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(id, id), removed(name, name = String::new()))]
struct D;

fn main() {}
