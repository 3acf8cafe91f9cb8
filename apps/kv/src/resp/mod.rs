//! The protocol: requests as bytes, replies as bytes.
//!
//! A [`Parser`] takes whatever pieces the network gives and makes [`Args`] of them; it holds no
//! more than one request, of a limited size. A [`Writer`] appends [`Reply`]s to a buffer, in the
//! second or the third version of the protocol.

mod args;
mod inline;
mod parser;
mod reply;
mod writer;

pub(crate) use self::args::Args;
pub(crate) use self::parser::{Limits, Parser};
pub(crate) use self::reply::Reply;
pub(crate) use self::writer::{Protocol, Writer};
