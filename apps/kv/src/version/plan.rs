//! What each upgrade changes: types and commands.

use upgradable::{
    Background, Heap, Pace, PlanError, RunningUpgrade, Service, Upgrade, UpgradeError,
};

use crate::store::command::Commands;
use crate::store::entry::{v1, v2, v3};
use crate::store::{Answer, Keyspace, Request, Store};

pub(super) const FIRST: u32 = 1;
pub(super) const NEWEST: u32 = 3;

/// How an upgrade is carried out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    /// Entries are transformed when they are touched, and in the background.
    Lazy(Pace),
    /// All entries are transformed while everybody waits: what the other way is measured against.
    Eager,
}

impl Default for Way {
    fn default() -> Self {
        Self::Lazy(Pace::default())
    }
}

impl Way {
    fn apply(self, plan: Upgrade) -> Upgrade {
        match self {
            Self::Lazy(pace) => plan.background(Background::On(pace)),
            Self::Eager => plan.eager(std::thread::available_parallelism().map_or(1, Into::into)),
        }
    }
}

/// The plan of the upgrade to a version; `None` if there is none to it.
fn types(to: u32) -> Option<Upgrade> {
    match to {
        2 => Some(Upgrade::to("2").migrate::<v1::Entry, v2::Entry>()),
        3 => Some(Upgrade::to("3").migrate::<v2::Entry, v3::Entry>()),
        _ => None,
    }
}

/// What an upgrade does, for people.
pub(super) fn about(to: u32) -> Option<&'static str> {
    match to {
        2 => {
            Some("values have types: numbers, hashes, lists, sets and sorted sets besides strings")
        }
        3 => Some("keys know when they came and changed, and how often they were asked for"),
        _ => None,
    }
}

/// Why the upgrade to a version could not be rolled back.
pub(super) fn why_one_way(to: u32) -> Option<String> {
    match types(to)?.can_go_back() {
        Err(PlanError::Irreversible { why, .. }) => Some(why.into()),
        _ => None,
    }
}

/// The names of the commands that a version has and the one before has not.
pub(super) fn new_commands(to: u32) -> Vec<&'static str> {
    match to {
        2 => {
            let old = Commands::<v2::Entry>::of_strings();
            Commands::<v2::Entry>::of_values().names().filter(|name| !old.has(name)).collect()
        }
        3 => {
            let old = Commands::<v3::Entry>::of_values();
            Commands::<v3::Entry>::of_traced().names().filter(|name| !old.has(name)).collect()
        }
        _ => Vec::new(),
    }
}

/// A service that begins at a version; `None` if there is no such version.
pub(super) fn begin(
    heap: Heap,
    keys: Keyspace<v1::Entry>,
    at: u32,
) -> Option<Service<Request, Answer>> {
    Some(match at {
        1 => Service::new(heap, Store::new(keys, Commands::of_strings())),
        2 => Service::new(heap, Store::new(keys.cast::<v2::Entry>(), Commands::of_values())),
        3 => Service::new(heap, Store::new(keys.cast::<v3::Entry>(), Commands::of_traced())),
        _ => return None,
    })
}

/// Begins the upgrade to a version.
pub(super) fn start(
    service: &Service<Request, Answer>,
    keys: Keyspace<v1::Entry>,
    to: u32,
    way: Way,
) -> Result<RunningUpgrade, UpgradeError> {
    let types = types(to).map(|types| way.apply(types));
    match (to, types) {
        (2, Some(types)) => {
            service.upgrade(types, Store::new(keys.cast::<v2::Entry>(), Commands::of_values()))
        }
        (3, Some(types)) => {
            service.upgrade(types, Store::new(keys.cast::<v3::Entry>(), Commands::of_traced()))
        }
        _ => Err(UpgradeError::Plan(vec![PlanError::Empty])),
    }
}
