//! UPGRADE, and what it answers.

use upgradable::{Pace, UpgradeState};

use super::plan::{self, NEWEST, Way};
use super::{Present, VersionError, Versions};
use crate::resp::{Args, Reply};

impl Versions {
    /// The parts of UPGRADE, and how many words they take.
    pub(crate) const PARTS: [(&str, i64); 7] = [
        ("pause", 2),
        ("plan", -2),
        ("promote", 2),
        ("resume", 2),
        ("rollback", 2),
        ("start", -3),
        ("status", 2),
    ];

    /// Executes UPGRADE.
    pub(crate) fn command(&self, args: &Args) -> Reply {
        let outcome = if args.is(1, "PLAN") && args.len() <= 3 {
            self.plan(args)
        } else if args.is(1, "START") {
            self.begin(args)
        } else if args.is(1, "STATUS") {
            Ok(self.status())
        } else if args.is(1, "PAUSE") {
            self.pause(true).map(|()| Reply::OK).map_err(Into::into)
        } else if args.is(1, "RESUME") {
            self.pause(false).map(|()| Reply::OK).map_err(Into::into)
        } else if args.is(1, "PROMOTE") {
            self.promote().map(|()| Reply::OK).map_err(Into::into)
        } else if args.is(1, "ROLLBACK") {
            self.roll_back().map(|()| Reply::OK).map_err(Into::into)
        } else {
            Err(Refusal("ERR syntax error".to_owned()))
        };
        outcome.unwrap_or_else(|Refusal(text)| Reply::error(text))
    }

    /// PLAN [version]: what the upgrade to a version would do; to the next one, if none is given.
    fn plan(&self, args: &Args) -> Result<Reply, Refusal> {
        let current = self.current();
        let to = if args.len() == 3 { version(args)? } else { current + 1 };
        let about = plan::about(to).ok_or(VersionError::Unknown(to))?;
        let way_back = plan::why_one_way(to).map_or("yes".into(), |why| format!("no: {why}"));
        let new = plan::new_commands(to).into_iter().map(Reply::text);
        let entry = |key: &'static str, value| (Reply::text(key), value);
        Ok(Reply::Map(vec![
            entry("from", Reply::Integer((to - 1).into())),
            entry("to", Reply::Integer(to.into())),
            entry("current", Reply::Integer(current.into())),
            entry("newest", Reply::Integer(NEWEST.into())),
            entry("about", Reply::text(about)),
            entry("way back", Reply::text(way_back)),
            entry("new commands", Reply::Array(new.collect())),
        ]))
    }

    /// START version [EAGER | PACE FULL | PACE share]
    fn begin(&self, args: &Args) -> Result<Reply, Refusal> {
        let way = if args.len() == 3 {
            Way::default()
        } else if args.len() == 4 && args.is(3, "EAGER") {
            Way::Eager
        } else if args.len() == 5 && args.is(3, "PACE") {
            Way::Lazy(pace(args)?)
        } else {
            return Err(Refusal("ERR syntax error".to_owned()));
        };
        self.start(version(args)?, way)?;
        Ok(Reply::OK)
    }

    fn status(&self) -> Reply {
        let fields = self.lines().into_iter();
        let value = |text: String| match text.parse() {
            Ok(number) => Reply::Integer(number),
            Err(_) => Reply::text(text),
        };
        Reply::Map(fields.map(|(key, text)| (Reply::text(key), value(text))).collect())
    }

    /// Where things stand, line by line.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        let steps = self.steps.lock();
        let mut lines = vec![("version", steps.current(self.first).to_string())];
        let Some(Present { to, running, is_back }) = steps.present() else {
            lines.push(("state", "idle".to_owned()));
            return lines;
        };
        let progress = running.progress();
        lines.extend([
            ("to", to.to_string()),
            ("state", name(running.state(), is_back).to_owned()),
            ("percent", format!("{:.0}", progress.fraction() * 100.0)),
            ("transformed", progress.transformed().to_string()),
            ("by_touch", progress.by_touch.to_string()),
            ("by_sweep", progress.by_sweep.to_string()),
            ("failed", progress.failed.to_string()),
            ("late", progress.late.to_string()),
            ("lost", progress.lost.to_string()),
            ("slots", progress.slots.to_string()),
        ]);
        lines
    }
}

fn name(state: UpgradeState, is_back: bool) -> &'static str {
    match state {
        UpgradeState::Migrating if is_back => "rolling back",
        UpgradeState::Complete | UpgradeState::RolledBack if is_back => "rolled back",
        UpgradeState::Migrating => "migrating",
        UpgradeState::Stalled => "stalled",
        UpgradeState::Complete => "complete",
        UpgradeState::Promoted => "promoted",
        UpgradeState::RollingBack => "rolling back",
        UpgradeState::RolledBack => "rolled back",
        _ => "unknown",
    }
}

fn version(args: &Args) -> Result<u32, Refusal> {
    let number = std::str::from_utf8(args.at(2)).ok().and_then(|word| word.parse().ok());
    number.filter(|&number| number > 0).ok_or_else(|| Refusal("ERR no such version".to_owned()))
}

fn pace(args: &Args) -> Result<Pace, Refusal> {
    if args.is(4, "FULL") {
        return Ok(Pace::Full);
    }
    let share = std::str::from_utf8(args.at(4)).ok().and_then(|word| word.parse().ok());
    let share = share.filter(|share| *share > 0.0 && *share <= 1.0);
    share.map(Pace::Share).ok_or_else(|| Refusal("ERR the pace is FULL, or a share of time".into()))
}

/// The text of an error for the client.
struct Refusal(String);

impl From<VersionError> for Refusal {
    fn from(error: VersionError) -> Self {
        Self(format!("UPGRADE {error}"))
    }
}
