use upgradable::Upgradable;

use std::rc::Rc;

#[derive(Upgradable, Clone)]
struct T {
    id: Rc<u32>,
}

fn main() {}
