//! Collections as a program uses them: what conflicts and what does not, what an iterator sees
//! beside writers, and what becomes of them when the types of their values are upgraded.

mod hash_map;
mod ordered_map;
mod queue;
mod sequence;
mod support;
