use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

fn text(id: u32) -> String {
    id.to_string()
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct Path {
    #[upgrade(with = text)]
    id: u64,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct Closure {
    #[upgrade(with = |id| id.to_string())]
    id: u64,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct NoResult {
    #[upgrade(try_with = text)]
    id: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct NoError {
    #[upgrade(try_with = |id| if *id > 0 { Ok(id.to_string()) } else { Err(()) })]
    id: String,
}

fn main() {}
