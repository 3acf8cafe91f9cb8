//! What a connection may say that is not about keys, and what lies between its commands: blocks,
//! watched keys, the version of the protocol.

use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;

use super::State;
use super::info;
use crate::resp::{Args, Protocol, Reply, Writer};
use crate::store::command::check_part;
use crate::store::{Answer, Job, Millis, Watched};
use crate::version::Versions;

pub(super) struct Session {
    pub(super) state: Arc<State>,
    pub(super) id: u64,
    pub(super) peer: Option<SocketAddr>,
    pub(super) name: String,
    pub(super) client_library: [String; 2],
    pub(super) protocol: Protocol,
    block: Option<Block>,
    watched: Vec<Watched>,
    is_over: bool,
}

/// Commands between MULTI and EXEC.
#[derive(Debug, Default)]
struct Block {
    commands: Vec<Queued>,
    size: usize,
    /// One of them was refused: none will be executed.
    is_spoiled: bool,
}

#[derive(Debug)]
enum Queued {
    /// A command of the program.
    Program(Args),
    /// One of the session's own.
    Own(Own, Args),
}

/// The session's own commands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Own {
    Auth,
    Client,
    Config,
    Discard,
    Exec,
    Hello,
    Info,
    Multi,
    Quit,
    Reset,
    Select,
    Shutdown,
    Unwatch,
    Upgrade,
    Watch,
}

/// Their names, how many words they take at least and at most, and what they are.
const OWN: [(&str, usize, usize, Own); 15] = [
    ("auth", 2, 3, Own::Auth),
    ("client", 2, usize::MAX, Own::Client),
    ("config", 2, usize::MAX, Own::Config),
    ("discard", 1, 1, Own::Discard),
    ("exec", 1, 1, Own::Exec),
    ("hello", 1, usize::MAX, Own::Hello),
    ("info", 1, usize::MAX, Own::Info),
    ("multi", 1, 1, Own::Multi),
    ("quit", 1, usize::MAX, Own::Quit),
    ("reset", 1, 1, Own::Reset),
    ("select", 2, 2, Own::Select),
    ("shutdown", 1, 2, Own::Shutdown),
    ("unwatch", 1, 1, Own::Unwatch),
    ("upgrade", 2, usize::MAX, Own::Upgrade),
    ("watch", 2, usize::MAX, Own::Watch),
];

impl Own {
    /// The command that the words name, and whether their number goes with it.
    #[inline]
    fn find(args: &Args) -> Option<(Self, &'static str, bool)> {
        let name = args.at(0);
        let found = OWN.iter().find(|(own, ..)| name.eq_ignore_ascii_case(own.as_bytes()));
        found.map(|&(name, least, most, own)| (own, name, (least..=most).contains(&args.len())))
    }

    /// What is wrong with the words behind its name, if it consists of parts.
    fn check(self, args: &Args) -> Result<(), Vec<u8>> {
        let client: &[_] =
            &[("getname", 2), ("id", 2), ("info", 2), ("setinfo", 4), ("setname", 3)];
        let config: &[_] = &[("get", -3), ("resetstat", 2), ("set", -4)];
        match self {
            Self::Client => check_part(args, "client", client),
            Self::Config => check_part(args, "config", config),
            Self::Upgrade => check_part(args, "upgrade", &Versions::PARTS),
            _ => Ok(()),
        }
    }

    /// Whether it can't be a part of a block: it changes what the block is executed by.
    fn stands_alone(self) -> bool {
        matches!(self, Self::Shutdown | Self::Upgrade)
    }

    /// Whether it stands between MULTI and EXEC as what it is, not as a part of the block.
    fn ends_block(self) -> bool {
        matches!(
            self,
            Self::Discard | Self::Exec | Self::Multi | Self::Quit | Self::Reset | Self::Watch
        )
    }
}

impl Session {
    pub(super) fn new(state: Arc<State>, peer: Option<SocketAddr>) -> Self {
        Self {
            id: state.client(),
            state,
            peer,
            name: String::new(),
            client_library: [String::new(), String::new()],
            protocol: Protocol::default(),
            block: None,
            watched: Vec::new(),
            is_over: false,
        }
    }

    /// Whether the client has said that it goes.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn is_in_block(&self) -> bool {
        self.block.is_some()
    }

    pub(super) fn watches(&self) -> usize {
        self.watched.len()
    }

    pub(super) fn refuse(&self, text: String, out: &mut Vec<u8>) {
        self.write(&Reply::error(text), out);
    }

    /// Refuses a command, and the block in which it stands.
    fn spoil(&mut self, reply: Reply, out: &mut Vec<u8>) {
        if let Some(block) = &mut self.block {
            block.is_spoiled = true;
        }
        self.write(&reply, out);
    }

    fn write(&self, reply: &Reply, out: &mut Vec<u8>) {
        if reply.is_error() {
            self.state.metrics.errors.add(1);
        }
        Writer::new(out, self.protocol).write(reply);
    }

    /// Whether a request may take so long that others should not wait behind it.
    pub(super) fn is_errand(&self, args: &Args) -> bool {
        let is_long = |part| args.is(1, part);
        args.is(0, "UPGRADE")
            && self.block.is_none()
            && ["START", "PROMOTE", "ROLLBACK"].into_iter().any(is_long)
    }

    /// Executes one request and writes the answer. Gives the request back, if it is not kept.
    #[inline]
    pub(super) fn run(&mut self, args: Args, now: Millis, out: &mut Vec<u8>) -> Args {
        if let Some((own, name, goes)) = Own::find(&args) {
            return self.run_own(own, name, goes, args, now, out);
        }
        if self.block.is_some() {
            return self.queue(args, None, now, out);
        }
        let (answer, job) = self.state.ask(Job::Command(args), now);
        self.write(&reply(answer), out);
        match job {
            Job::Command(args) => args,
            _ => Args::default(),
        }
    }

    #[cold]
    fn run_own(
        &mut self,
        own: Own,
        name: &str,
        goes: bool,
        args: Args,
        now: Millis,
        out: &mut Vec<u8>,
    ) -> Args {
        if !goes && own == Own::Exec {
            self.discard(now);
            let text = "EXECABORT Transaction discarded because of: wrong number of arguments for \
                        'exec' command";
            self.refuse(text.to_owned(), out);
            return args;
        }
        if !goes {
            let text = format!("ERR wrong number of arguments for '{name}' command");
            self.spoil(Reply::error(text), out);
            return args;
        }
        if let Err(text) = own.check(&args) {
            self.spoil(Reply::Error(text.into()), out);
            return args;
        }
        if self.block.is_some() && own.stands_alone() {
            self.spoil(Reply::error("ERR Command not allowed inside a transaction"), out);
            return args;
        }
        if self.block.is_some() && !own.ends_block() {
            return self.queue(args, Some(own), now, out);
        }
        if own == Own::Exec {
            self.exec(now, out);
        } else {
            // A protocol that is changed is that of the answer, too.
            let reply = self.own(own, &args, now);
            self.write(&reply, out);
        }
        args
    }

    fn own(&mut self, own: Own, args: &Args, now: Millis) -> Reply {
        match own {
            Own::Auth => auth(args, 1),
            Own::Client => self.client(args),
            Own::Config => self.config(args),
            Own::Discard => self.discard(now),
            // Only as a part of a block, where it can't be.
            Own::Exec => Reply::error("ERR EXEC without MULTI"),
            Own::Hello => self.hello(args),
            Own::Info => info::reply(&self.state, args, now),
            Own::Multi if self.block.is_some() => Reply::error("ERR MULTI calls can not be nested"),
            Own::Multi => {
                self.block = Some(Block::default());
                Reply::OK
            }
            Own::Quit => {
                self.is_over = true;
                Reply::OK
            }
            Own::Reset => {
                self.discard(now);
                self.protocol = Protocol::Resp2;
                self.name.clear();
                Reply::Status("RESET")
            }
            Own::Select if args.is(1, "0") => Reply::OK,
            Own::Select if crate::store::is_number(args.at(1)) => {
                Reply::error("ERR DB index is out of range")
            }
            Own::Select => Reply::error("ERR value is not an integer or out of range"),
            Own::Shutdown => self.shutdown(args),
            Own::Unwatch => {
                self.unwatch(now);
                Reply::OK
            }
            Own::Upgrade => self.state.versions.command(args),
            Own::Watch if self.block.is_some() => {
                Reply::error("ERR WATCH inside MULTI is not allowed")
            }
            Own::Watch => self.watch(args, now),
        }
    }

    /// Puts a command into the block, if there is one of this name.
    fn queue(&mut self, args: Args, own: Option<Own>, now: Millis, out: &mut Vec<u8>) -> Args {
        let most = self.state.config.limits.request;
        let Some(block) = &mut self.block else { return args };
        block.size += args.size() + args.len() * 8;
        let (reply, queued) = if block.size > most {
            (Reply::error("ERR too much between MULTI and EXEC"), None)
        } else if let Some(own) = own {
            (Reply::Status("QUEUED"), Some(Queued::Own(own, args)))
        } else {
            let (answer, job) = self.state.ask(Job::Check(args), now);
            let Job::Check(args) = job else { return Args::default() };
            (reply(answer), Some(Queued::Program(args)))
        };
        if reply.is_error() {
            block.is_spoiled = true;
            block.commands.clear();
        } else if !block.is_spoiled {
            block.commands.extend(queued);
        }
        self.write(&reply, out);
        Args::default()
    }

    fn discard(&mut self, now: Millis) -> Reply {
        let was_open = self.block.take().is_some();
        self.unwatch(now);
        if was_open { Reply::OK } else { Reply::error("ERR DISCARD without MULTI") }
    }

    /// The block: what is about keys in one transaction, and the rest around it.
    fn exec(&mut self, now: Millis, out: &mut Vec<u8>) {
        let Some(block) = self.block.take() else {
            return self.refuse("ERR EXEC without MULTI".to_owned(), out);
        };
        if block.is_spoiled {
            self.unwatch(now);
            let text = "EXECABORT Transaction discarded because of previous errors.";
            return self.refuse(text.to_owned(), out);
        }
        let (mut commands, mut own) = (Vec::new(), Vec::new());
        for (place, queued) in block.commands.into_iter().enumerate() {
            match queued {
                Queued::Program(args) => commands.push(args),
                Queued::Own(command, args) => own.push((place, command, args)),
            }
        }
        let watched = mem::take(&mut self.watched);
        let (answer, job) = self.state.ask(Job::Block { commands, watched }, now);
        let mut replies = match answer {
            Ok(Answer::Block(Some(replies))) => replies,
            Ok(_) => return self.write(&Reply::NullArray, out),
            Err(text) => {
                // It has not happened: nobody has stopped watching.
                if let Job::Block { watched, .. } = job {
                    self.watched = watched;
                }
                self.unwatch(now);
                return self.refuse(text, out);
            }
        };
        for (place, command, args) in own {
            let reply = self.own(command, &args, now);
            replies.insert(place.min(replies.len()), reply);
        }
        Writer::new(out, self.protocol).array(replies.len());
        replies.iter().for_each(|reply| self.write(reply, out));
    }

    fn watch(&mut self, args: &Args, now: Millis) -> Reply {
        let new = |key: &&[u8]| !self.watched.iter().any(|watched| *watched.key == **key);
        let mut keys: Vec<_> = args.from(1).filter(new).map(Into::into).collect();
        keys.sort_unstable();
        keys.dedup();
        match self.state.ask(Job::Watch(keys), now).0 {
            Ok(Answer::Watching(watched)) => {
                self.watched.extend(watched);
                Reply::OK
            }
            Ok(_) => Reply::OK,
            Err(text) => Reply::error(text),
        }
    }

    fn unwatch(&mut self, now: Millis) {
        if !self.watched.is_empty() {
            let watched = mem::take(&mut self.watched);
            // What can't be written now is a watch more than needed.
            let _ = self.state.ask(Job::Unwatch(watched), now);
        }
    }

    fn hello(&mut self, args: &Args) -> Reply {
        let protocol = match args.at(1) {
            b"" if args.len() == 1 => self.protocol,
            b"2" => Protocol::Resp2,
            b"3" => Protocol::Resp3,
            version if crate::store::is_number(version) => {
                return Reply::error("NOPROTO unsupported protocol version");
            }
            _ => return Reply::error("ERR Protocol version is not an integer or out of range"),
        };
        let mut at = 2;
        let mut name = None;
        while at < args.len() {
            if args.is(at, "AUTH") && at + 2 < args.len() {
                let refused = auth(args, at + 1);
                if refused.is_error() {
                    return refused;
                }
                at += 3;
            } else if args.is(at, "SETNAME") && at + 1 < args.len() {
                name = Some(args.at(at + 1));
                at += 2;
            } else {
                let word = String::from_utf8_lossy(args.at(at));
                return Reply::error(format!("ERR Syntax error in HELLO option '{word}'"));
            }
        }
        if let Some(name) = name
            && let Err(refused) = self.set_name(name)
        {
            return refused;
        }
        self.protocol = protocol;
        let entry = |key: &'static str, value| (Reply::text(key), value);
        let number = if protocol == Protocol::Resp3 { 3 } else { 2 };
        Reply::Map(vec![
            entry("server", Reply::text("redis")),
            entry("version", Reply::text(info::SPOKEN)),
            entry("proto", Reply::Integer(number)),
            entry("id", Reply::Integer(self.id as i64)),
            entry("mode", Reply::text("standalone")),
            entry("role", Reply::text("master")),
            entry("modules", Reply::Array(Vec::new())),
        ])
    }

    fn set_name(&mut self, name: &[u8]) -> Result<(), Reply> {
        if !name.iter().all(u8::is_ascii_graphic) {
            let text = "ERR Client names cannot contain spaces, newlines or special characters.";
            return Err(Reply::error(text));
        }
        self.name = String::from_utf8_lossy(name).into_owned();
        Ok(())
    }

    fn client(&mut self, args: &Args) -> Reply {
        if args.is(1, "ID") {
            Reply::Integer(self.id as i64)
        } else if args.is(1, "GETNAME") {
            if self.name.is_empty() { Reply::Null } else { Reply::text(self.name.clone()) }
        } else if args.is(1, "SETNAME") {
            self.set_name(args.at(2)).map_or_else(|refused| refused, |()| Reply::OK)
        } else if args.is(1, "SETINFO") {
            let place = usize::from(args.is(2, "LIB-VER"));
            if place == 0 && !args.is(2, "LIB-NAME") {
                let word = String::from_utf8_lossy(args.at(2));
                return Reply::error(format!("ERR Unrecognized option '{word}'"));
            }
            self.client_library[place] = String::from_utf8_lossy(args.at(3)).into_owned();
            Reply::OK
        } else {
            Reply::Verbatim(info::client(self))
        }
    }

    fn config(&self, args: &Args) -> Reply {
        if args.is(1, "GET") {
            let shown = self.state.config.shown().into_iter();
            let wanted = shown.filter(|(name, _)| {
                args.from(2).any(|pattern| {
                    crate::store::fits(&pattern.to_ascii_lowercase(), name.as_bytes())
                })
            });
            Reply::Map(
                wanted.map(|(name, value)| (Reply::text(name), Reply::text(value))).collect(),
            )
        } else if args.is(1, "RESETSTAT") {
            self.state.metrics.reset();
            Reply::OK
        } else {
            let name = String::from_utf8_lossy(args.at(2)).into_owned();
            let is_known = self.state.config.shown().iter().any(|(known, _)| *known == name);
            let why = if is_known { "can't set immutable config" } else { "unknown option" };
            Reply::error(format!("ERR CONFIG SET failed: {why} '{name}'"))
        }
    }

    fn shutdown(&mut self, args: &Args) -> Reply {
        if args.len() == 2 && !args.is(1, "NOSAVE") {
            return Reply::error("ERR syntax error");
        }
        self.is_over = true;
        self.state.stop();
        Reply::OK
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.unwatch(super::state::now());
    }
}

/// There are no passwords: the user that everybody is may have any.
fn auth(args: &Args, user: usize) -> Reply {
    if args.len() == user + 1 {
        return Reply::error(
            "ERR AUTH <password> called without any password configured for the default user. Are \
             you sure your configuration is correct?",
        );
    }
    if args.at(user) == b"default" {
        Reply::OK
    } else {
        Reply::error("WRONGPASS invalid username-password pair or user is disabled.")
    }
}

fn reply(answer: Result<Answer, String>) -> Reply {
    match answer {
        Ok(Answer::Reply(reply)) => reply,
        Ok(_) => Reply::OK,
        Err(text) => Reply::error(text),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Session, State};
    use crate::resp::Limits;
    use crate::server::Config;
    use crate::store::command::tests::words;

    #[test]
    fn a_block_is_no_larger_than_a_request() {
        let limits = Limits { request: 1000, ..Limits::default() };
        let state = State::new(Config { limits, ..Config::default() });
        let state = Arc::new(state.expect("a new heap has room"));
        let mut session = Session::new(state, None);
        let mut say = |line: &str| {
            let mut out = Vec::new();
            session.run(words(line), 0, &mut out);
            String::from_utf8_lossy(&out).trim_end().to_owned()
        };
        assert_eq!(say("MULTI"), "+OK");
        let queued = (0..100).take_while(|n| say(&format!("SET key:{n} value")) == "+QUEUED");
        let queued = queued.count();
        assert!((10..40).contains(&queued), "{queued}");
        assert_eq!(say("SET a 1"), "-ERR too much between MULTI and EXEC");
        assert!(say("EXEC").starts_with("-EXECABORT"));
        assert_eq!(say("DBSIZE"), ":0");
        // The next block begins with nothing.
        assert_eq!((say("MULTI"), say("SET a 1")), ("+OK".into(), "+QUEUED".into()));
        assert_eq!(say("EXEC"), "*1\r\n+OK");
    }
}
