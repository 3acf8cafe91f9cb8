//! An upgrade that fails on one object in ten thousand, and is undone without losing a write.
//!
//! `cargo run --release -p upgradable --example roll_back`

use std::time::Duration;

use upgradable::{Heap, OnFailure, Ref, Upgradable, Upgrade, UpgradeEvent, UpgradeState};

mod v1 {
    #[derive(upgradable::Upgradable, Clone)]
    #[upgrade(name = "crm.Contact")]
    pub(crate) struct Contact {
        pub(crate) name: String,
        pub(crate) mail: String,
    }
}

/// An address with exactly one `@`.
#[derive(Clone, PartialEq)]
struct Mail {
    user: String,
    host: String,
}

impl Mail {
    fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('@') {
            Some((user, host)) if !host.contains('@') => {
                Ok(Self { user: user.to_owned(), host: host.to_owned() })
            }
            _ => Err(format!("`{text}` is no mail address")),
        }
    }

    fn to_text(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "crm.Contact", version = 2, from = v1::Contact)]
struct Contact {
    name: String,
    #[upgrade(try_with = Mail::parse, back = Mail::to_text)]
    mail: Mail,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let heap = Heap::new();
    let contacts: Vec<Ref<v1::Contact>> = heap.atomically(|tx| {
        let mail = |n| if n == 7_777 { "unknown".to_owned() } else { format!("{n}@example.org") };
        let contact = |n| v1::Contact { name: format!("contact {n}"), mail: mail(n) };
        (0..10_000).map(|n| Ok(tx.create(contact(n))?)).collect()
    })?;

    let plan = Upgrade::to("2")
        .migrate::<v1::Contact, Contact>()
        .on_failure(OnFailure::RollBack)
        .on_event(|event| match event {
            UpgradeEvent::Failed(failure) => println!("failed: {failure}"),
            UpgradeEvent::Now(state) => println!("the upgrade is {state:?} now"),
            _ => {}
        });
    let running = heap.upgrade(plan)?;

    // Work goes on, on the new version ...
    let renamed = heap.atomically(|tx| {
        Ok(tx
            .modify(contacts[5].cast::<Contact>(), |contact| contact.name.push_str(" the first"))?)
    });
    println!("renamed on version 2: {}", renamed.is_ok());

    // ... until the background migration meets the one that can't be transformed.
    while running.state() != UpgradeState::RolledBack {
        std::thread::sleep(Duration::from_millis(5));
    }
    heap.snapshot(|s| -> Result<(), upgradable::AccessError> {
        for n in [5, 7_777] {
            let contact = s.read(contacts[n])?;
            println!("on version 1 again: {} <{}>", contact.name, contact.mail);
        }
        Ok(())
    })?;
    Ok(())
}
