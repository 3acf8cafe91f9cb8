//! The program of one version: its commands on its entries.

use upgradable::{Abort, AccessError, Program, Read, Snapshot, Tx};

use super::command::{Commands, Run};
use super::entry::Entry;
use super::fault::answer;
use super::view::Reader;
use super::{Answer, Change, Job, Keyspace, Look, Millis, Request};
use crate::resp::{Args, Reply};

/// The commands of one version on its entries.
#[derive(Debug)]
pub(crate) struct Store<E: 'static> {
    keys: Keyspace<E>,
    commands: Commands<E>,
}

impl<E: Entry> Store<E> {
    pub(crate) fn new(keys: Keyspace<E>, commands: Commands<E>) -> Self {
        Self { keys, commands }
    }

    /// Executes a command of a block, or one that stands alone.
    fn run(&self, change: &Change<'_, '_, E>, args: &Args) -> Result<Reply, AccessError> {
        let command = match self.commands.find(args) {
            Ok(command) => command,
            Err(refusal) => return Ok(Reply::Error(refusal.into())),
        };
        match command.run {
            Run::Plain(run) => answer(run(args)),
            Run::List(run) => answer(run(&self.commands, args)),
            Run::Look(run) => answer(run(&change.look(), args)),
            Run::Change(run) => answer(run(change, args)),
        }
    }

    /// Executes a command that changes nothing.
    fn look(&self, look: &Look<'_, '_, E>, args: &Args) -> Option<Result<Reply, AccessError>> {
        Some(match self.commands.find(args).map(|command| command.run) {
            Ok(Run::Plain(run)) => answer(run(args)),
            Ok(Run::List(run)) => answer(run(&self.commands, args)),
            Ok(Run::Look(run)) => answer(run(look, args)),
            Ok(Run::Change(_)) => return None,
            Err(refusal) => Ok(Reply::Error(refusal.into())),
        })
    }

    fn block(&self, change: &Change<'_, '_, E>, job: &Job) -> Result<Answer, AccessError> {
        let Job::Block { commands, watched } = job else { return Ok(Answer::Done) };
        for watched in watched {
            if !change.is_unchanged(watched)? {
                self.unwatch(change, watched_of(job))?;
                return Ok(Answer::Block(None));
            }
        }
        let replies = commands.iter().map(|args| self.run(change, args));
        let replies = replies.collect::<Result<_, _>>()?;
        self.unwatch(change, watched_of(job))?;
        Ok(Answer::Block(Some(replies)))
    }

    fn unwatch(
        &self,
        change: &Change<'_, '_, E>,
        watched: &[super::Watched],
    ) -> Result<(), AccessError> {
        watched.iter().try_for_each(|watched| change.unwatch(watched))
    }

    /// Removes what has expired, beginning at a position of the map.
    fn expire(
        &self,
        change: &Change<'_, '_, E>,
        from: u64,
        most: usize,
    ) -> Result<Answer, AccessError> {
        let (mut at, mut seen, mut expired) = (from, 0, Vec::new());
        while seen < most {
            let (page, next) = self.keys.entries.page(change.tx, at)?;
            for (key, object) in page {
                seen += 1;
                match change.tx.read(object) {
                    Ok(entry) if !entry.is_live(change.now) => expired.push(key.clone()),
                    Ok(_) | Err(AccessError::Untransformed(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            at = next.unwrap_or(0);
            if at == 0 {
                break;
            }
        }
        for key in &expired {
            self.keys.remove(change.tx, key)?;
        }
        Ok(Answer::Expired { next: at, removed: expired.len() })
    }

    fn check(&self, args: &Args) -> Reply {
        match self.commands.find(args) {
            Ok(_) => Reply::Status("QUEUED"),
            Err(refusal) => Reply::Error(refusal.into()),
        }
    }
}

fn watched_of(job: &Job) -> &[super::Watched] {
    match job {
        Job::Block { watched, .. } | Job::Unwatch(watched) => watched,
        _ => &[],
    }
}

impl<E: Entry> Program for Store<E> {
    type Request = Request;
    type Response = Answer;

    fn execute(&self, tx: &Tx<'_>, request: &Request) -> Result<Answer, Abort<Answer>> {
        let change = Change { keys: self.keys, tx, now: request.now };
        Ok(match &request.job {
            Job::Command(args) => Answer::Reply(self.run(&change, args)?),
            job @ Job::Block { .. } => self.block(&change, job)?,
            Job::Check(args) => Answer::Reply(self.check(args)),
            Job::Watch(keys) => {
                let watched = keys.iter().map(|key| change.watch(key));
                Answer::Watching(watched.collect::<Result<_, _>>()?)
            }
            job @ Job::Unwatch(_) => {
                self.unwatch(&change, watched_of(job))?;
                Answer::Done
            }
            Job::Expire { from, most } => self.expire(&change, *from, *most)?,
            Job::Count => Answer::Count { keys: self.keys.len(tx)? },
        })
    }

    fn query(
        &self,
        snapshot: &Snapshot<'_>,
        request: &Request,
    ) -> Option<Result<Answer, AccessError>> {
        match &request.job {
            Job::Command(args) => {
                let reader = Reader::Snapshot(snapshot);
                let look = Look { keys: self.keys, reader, now: request.now };
                Some(self.look(&look, args)?.map(Answer::Reply))
            }
            Job::Check(args) => Some(Ok(Answer::Reply(self.check(args)))),
            Job::Count => Some(self.keys.len(snapshot).map(|keys| Answer::Count { keys })),
            // Most of the time there is nothing to remove, and then nothing is written.
            Job::Expire { from, most } => {
                self.nothing_expired(snapshot, request.now, *from, *most).transpose()
            }
            _ => None,
        }
    }
}

impl<E: Entry> Store<E> {
    /// Where to go on, if nothing has expired on the way there.
    fn nothing_expired(
        &self,
        reader: &impl Read,
        now: Millis,
        from: u64,
        most: usize,
    ) -> Result<Option<Answer>, AccessError> {
        let (mut at, mut seen) = (from, 0);
        while seen < most {
            let (page, next) = self.keys.entries.page(reader, at)?;
            for (_, object) in page {
                seen += 1;
                match reader.read(object) {
                    Ok(entry) if !entry.is_live(now) => return Ok(None),
                    Ok(_) | Err(AccessError::Untransformed(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            at = next.unwrap_or(0);
            if at == 0 {
                break;
            }
        }
        Ok(Some(Answer::Expired { next: at, removed: 0 }))
    }
}
