//! The check that does not believe the timestamps: a graph of who must come before whom.
//!
//! Nodes are the attempts. Edges are the dependencies of the direct serialization graph: who wrote
//! a version to who replaced it, who wrote a version to who read it, who read a version to who
//! replaced it. Real time adds an edge from each attempt to all that began after it ended. With the
//! version order given there is a serial order if and only if the graph has no cycle. With aborted
//! attempts among the nodes, as transactions that only read, the same holds for opacity.
//!
//! Real-time edges would be quadratic in number. They go through *time nodes* instead: each attempt
//! that ends has an edge to the time node of that moment, time nodes form a chain, and each attempt
//! that begins has an edge from the last time node before it.
//!
//! The check that does believe the timestamps takes from here in which order to put updates that
//! share one: [`order_of_updates`].

use super::index::{Checked, Index, Scope};
use super::order::events;
use super::{Cycle, Dependency, Step, TxnId};

mod search;

/// Decides whether the attempts in `scope` can be put into a serial order that respects real time.
///
/// # Errors
///
/// A short cycle of transactions each of which must come before the next.
pub(crate) fn check_graph(index: &Index<'_>, scope: Scope) -> Checked {
    index.reads_are_sound(scope)?;
    Graph::new(index, scope).check(index)
}

/// Puts the committed updates into the order of their timestamps, and those that share one as reads
/// and real time demand.
///
/// If the timestamps explain the history at all, they do with this order. For then nothing that has
/// a place of its own stands between two that share a timestamp, but others that share it: so the
/// order of the timestamps adds no reason why one of them comes before another to those that are in
/// the graph.
///
/// # Errors
///
/// A cycle, if there is no serial order at all.
pub(crate) fn order_of_updates(index: &Index<'_>, scope: Scope) -> Checked<Vec<TxnId>> {
    let graph = Graph::new(index, scope);
    graph.check(index)?;
    let positions = graph.topological_positions();
    let mut updates = index.updates.clone();
    for tie in index.ties() {
        updates[tie.clone()].sort_unstable_by_key(|id| positions[id.index()]);
    }
    Ok(updates)
}

/// Edges in compressed form: those of node `n` are `targets[begin[n]..begin[n + 1]]`.
#[derive(Debug)]
struct Graph {
    /// Nodes below this are attempts, all others are time nodes.
    attempts: u32,
    begin: Vec<usize>,
    targets: Vec<u32>,
}

impl Graph {
    fn new(index: &Index<'_>, scope: Scope) -> Self {
        let attempts = index.history.attempts().len() as u32;
        let mut edges = Vec::new();
        add_dependencies(index, scope, &mut edges);
        let nodes = attempts + add_time_nodes(index, scope, &mut edges);
        Self::compress(attempts, nodes, &edges)
    }

    fn check(&self, index: &Index<'_>) -> Checked {
        match search::short_cycle(self) {
            None => Ok(()),
            Some(nodes) => Err(explain(index, &nodes).into_violation()),
        }
    }

    /// Where each node stands in an order in which every edge leads forward. There is no cycle.
    fn topological_positions(&self) -> Vec<u32> {
        let mut incoming = vec![0_u32; self.nodes() as usize];
        for &target in &self.targets {
            incoming[target as usize] += 1;
        }
        let is_first = |node: &u32| incoming[*node as usize] == 0;
        let mut order: Vec<u32> = (0..self.nodes()).filter(is_first).collect();
        let mut positions = vec![0; self.nodes() as usize];
        let mut next = 0;
        while let Some(&node) = order.get(next) {
            positions[node as usize] = next as u32;
            next += 1;
            for &target in self.targets(node) {
                incoming[target as usize] -= 1;
                if incoming[target as usize] == 0 {
                    order.push(target);
                }
            }
        }
        debug_assert_eq!(order.len(), self.nodes() as usize, "there is no cycle");
        positions
    }

    /// Sorts the edges by their source, by counting.
    fn compress(attempts: u32, nodes: u32, edges: &[(u32, u32)]) -> Self {
        let mut begin = vec![0_usize; nodes as usize + 1];
        for &(from, _) in edges {
            begin[from as usize + 1] += 1;
        }
        for node in 0..nodes as usize {
            begin[node + 1] += begin[node];
        }
        let mut next = begin.clone();
        let mut targets = vec![0_u32; edges.len()];
        for &(from, to) in edges {
            let slot = &mut next[from as usize];
            targets[*slot] = to;
            *slot += 1;
        }
        Self { attempts, begin, targets }
    }

    fn nodes(&self) -> u32 {
        self.begin.len() as u32 - 1
    }

    fn targets(&self, node: u32) -> &[u32] {
        &self.targets[self.begin[node as usize]..self.begin[node as usize + 1]]
    }

    fn is_attempt(&self, node: u32) -> bool {
        node < self.attempts
    }
}

fn add_dependencies(index: &Index<'_>, scope: Scope, edges: &mut Vec<(u32, u32)>) {
    for chain in &index.chains {
        for pair in chain.versions.windows(2) {
            if let (Some(older), Some(newer)) = (pair[0].writer(), pair[1].writer()) {
                edges.push((older.0, newer.0));
            }
        }
    }
    for attempt in index.history.attempts().iter().filter(|attempt| scope.includes(attempt)) {
        for &seen in index.seen(attempt.id) {
            if let Some(writer) = index.version(seen).writer() {
                edges.push((writer.0, attempt.id.0));
            }
            let replaced_by = index.next_version(seen).and_then(|next| next.writer());
            // Who replaces what it has read itself need not come before itself.
            if let Some(writer) = replaced_by.filter(|&writer| writer != attempt.id) {
                edges.push((attempt.id.0, writer.0));
            }
        }
    }
}

/// Returns the number of time nodes.
fn add_time_nodes(index: &Index<'_>, scope: Scope, edges: &mut Vec<(u32, u32)>) -> u32 {
    let first = index.history.attempts().len() as u32;
    let mut count = 0;
    // One time node serves all ends that follow each other without a begin between them.
    let mut began_since = true;
    for event in events(index, scope) {
        if !event.is_end {
            if count > 0 {
                edges.push((first + count - 1, event.attempt));
            }
            began_since = true;
            continue;
        }
        if began_since {
            if count > 0 {
                edges.push((first + count - 1, first + count));
            }
            count += 1;
            began_since = false;
        }
        edges.push((event.attempt, first + count - 1));
    }
    count
}

/// Finds out why each of `nodes`, all attempts, comes before the next.
fn explain(index: &Index<'_>, nodes: &[u32]) -> Cycle {
    let ids: Vec<_> = nodes.iter().map(|&node| TxnId(node)).collect();
    let reasons: Vec<_> =
        (0..ids.len()).map(|i| dependencies(index, ids[i], ids[(i + 1) % ids.len()])).collect();
    let steps = |choose: &dyn Fn(&[Dependency]) -> Option<Dependency>| -> Option<Vec<Step>> {
        let step = |(id, reasons): (&TxnId, &Vec<Dependency>)| {
            let attempt = *index.history.attempt(*id);
            Some(Step { attempt, before_next: choose(reasons)? })
        };
        ids.iter().zip(&reasons).map(step).collect()
    };
    let lost_update = lost_object(&reasons).and_then(|lost| {
        steps(&|reasons| reasons.iter().find(|reason| concerns(reason, lost)).copied())
    });
    let first_reason = || steps(&|reasons| reasons.first().copied());
    Cycle::new(lost_update.or_else(first_reason).expect("each edge has a reason"))
}

/// The object on which the whole cycle is one old read and otherwise overwriting, if there is one.
fn lost_object(reasons: &[Vec<Dependency>]) -> Option<u32> {
    let candidates = reasons.iter().flatten().filter_map(|reason| match reason {
        Dependency::ReadWrite { object, .. } => Some(*object),
        _ => None,
    });
    candidates.into_iter().find(|&lost| {
        let overwriting = |reasons: &&Vec<Dependency>| {
            let first = reasons.iter().find(|reason| concerns(reason, lost));
            matches!(first, Some(Dependency::WriteWrite { .. }))
        };
        let reading = |reasons: &Vec<Dependency>| reasons.iter().any(|r| concerns(r, lost));
        reasons.iter().all(reading)
            && reasons.iter().filter(overwriting).count() + 1 == reasons.len()
    })
}

/// Is this about overwriting `lost`, or reading what was overwritten?
fn concerns(reason: &Dependency, lost: u32) -> bool {
    match reason {
        Dependency::WriteWrite { object, .. } | Dependency::ReadWrite { object, .. } => {
            *object == lost
        }
        _ => false,
    }
}

/// All reasons why `from` comes before `to`, the most telling first.
fn dependencies(index: &Index<'_>, from: TxnId, to: TxnId) -> Vec<Dependency> {
    let mut reasons = Vec::new();
    for &seen in index.seen(to) {
        if index.version(seen).writer() == Some(from) {
            reasons.push(index.write_read(seen));
        }
    }
    for made in index.made(from) {
        if let Some(next) = index.next_version(made).filter(|next| next.writer() == Some(to)) {
            reasons.push(index.write_write(made, next));
        }
    }
    let history = index.history;
    if history.attempt(from).precedes(history.attempt(to)) {
        reasons.push(Dependency::RealTime);
    }
    for &seen in index.seen(from) {
        if let Some(next) = index.next_version(seen).filter(|next| next.writer() == Some(to)) {
            reasons.push(index.read_write(seen, next));
        }
    }
    reasons
}
