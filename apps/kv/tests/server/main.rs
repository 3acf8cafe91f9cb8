//! A server in a process of its own, over sockets: what connections may say, pipelines, blocks,
//! limits, and the end; upgrades under clients that go on, with every entry accounted for; and the
//! command line.

mod command_line;
mod conversation;
mod limits;
mod support;
mod upgrade;
mod values;
