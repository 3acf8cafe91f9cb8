//! Finding a short cycle in a large graph.
//!
//! Tarjan's algorithm finds the strongly connected components; a graph without cycles, the usual
//! case, costs nothing more. Otherwise the smallest component is searched for its shortest cycle.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Graph;

/// Marks a node not yet met, or in no component.
const NONE: u32 = u32::MAX;

/// How far two attempts are apart. One apart in real time is a little further, so that of two
/// cycles with the same number of attempts that with more dependencies is found.
const DEPENDENCY: u32 = 16;
const REAL_TIME: u32 = DEPENDENCY + 1;

/// How many nodes the search for the shortest cycle may visit before it takes the best it has: any
/// number up to this, so that small components are searched in full ...
const VISITS_SMALL: usize = 1_000_000;
/// ... and so many passes over a large one. A fixed number would end within the first pass.
const PASSES_LARGE: usize = 8;

/// The attempts of a shortest cycle, or of a short one when the graph is too large to be sure.
pub(super) fn short_cycle(graph: &Graph) -> Option<Vec<u32>> {
    let component = smallest_component(graph)?;
    let mut inside = vec![false; graph.nodes() as usize];
    for &node in &component {
        inside[node as usize] = true;
    }
    let mut search = Search {
        graph,
        inside,
        distance: vec![NONE; graph.nodes() as usize],
        from: vec![NONE; graph.nodes() as usize],
        touched: Vec::new(),
        best: None,
        visits_left: VISITS_SMALL + PASSES_LARGE * component.len(),
    };
    for &start in component.iter().filter(|&&node| graph.is_attempt(node)) {
        search.run_and_follow(start);
        if search.is_enough() {
            break;
        }
    }
    let (_, cycle) = search.best?;
    Some(cycle)
}

/// A repeated search for the shortest way from an attempt back to itself.
struct Search<'g> {
    graph: &'g Graph,
    inside: Vec<bool>,
    distance: Vec<u32>,
    from: Vec<u32>,
    touched: Vec<u32>,
    best: Option<(u32, Vec<u32>)>,
    visits_left: usize,
}

impl Search<'_> {
    fn best_length(&self) -> u32 {
        self.best.as_ref().map_or(NONE, |best| best.0)
    }

    fn is_enough(&self) -> bool {
        let shortest_possible = self.best_length() == 2 * DEPENDENCY;
        shortest_possible || (self.best.is_some() && self.visits_left == 0)
    }

    /// Searches from `start`, and from the members of the cycle found as long as that gives a
    /// shorter one: what entangles a large component is a member of most of its cycles.
    fn run_and_follow(&mut self, start: u32) {
        let mut starts = vec![start];
        while let Some(start) = starts.pop() {
            if self.is_enough() {
                break;
            }
            let length_before = self.best_length();
            self.run(start);
            if let Some((length, cycle)) = &self.best
                && *length < length_before
            {
                starts.clone_from(cycle);
            }
        }
    }

    /// Dijkstra's algorithm from `start`, given up where it cannot beat the best cycle so far.
    fn run(&mut self, start: u32) {
        let mut found = None;
        let mut queue = BinaryHeap::from([(Reverse(0), start)]);
        while let Some((Reverse(distance), node)) = queue.pop() {
            if node != start && self.distance[node as usize] < distance {
                continue; // a shorter way was found meanwhile
            }
            self.visits_left = self.visits_left.saturating_sub(1);
            for &target in self.graph.targets(node) {
                let step = match (self.graph.is_attempt(node), self.graph.is_attempt(target)) {
                    (true, true) => DEPENDENCY,
                    (true, false) => REAL_TIME,
                    (false, _) => 0,
                };
                let next = distance + step;
                if !self.inside[target as usize] || next >= self.best_length() {
                    continue;
                }
                // From another attempt at least one step leads back; and time alone never does.
                let is_elsewhere = self.graph.is_attempt(target) && target != start;
                let way_back = if is_elsewhere || next == REAL_TIME { DEPENDENCY } else { 0 };
                if next + way_back >= self.best_length() {
                    continue;
                }
                if target == start {
                    self.best = Some((next, Vec::new()));
                    found = Some(node);
                } else if next < self.distance[target as usize] {
                    if self.distance[target as usize] == NONE {
                        self.touched.push(target);
                    }
                    self.distance[target as usize] = next;
                    self.from[target as usize] = node;
                    queue.push((Reverse(next), target));
                }
            }
        }
        if let Some(last) = found {
            let path = self.path(start, last);
            self.best = Some((self.best_length(), path));
        }
        for node in self.touched.drain(..) {
            self.distance[node as usize] = NONE;
        }
    }

    /// The attempts on the way from `start` to `last`.
    fn path(&self, start: u32, last: u32) -> Vec<u32> {
        let mut path = Vec::new();
        let mut node = last;
        while node != start {
            if self.graph.is_attempt(node) {
                path.push(node);
            }
            node = self.from[node as usize];
        }
        path.push(start);
        path.reverse();
        path
    }
}

/// The smallest strongly connected component of more than one node; of several the last one found,
/// which is the earliest in time.
///
/// No node has an edge to itself, so these are the components that hold cycles.
fn smallest_component(graph: &Graph) -> Option<Vec<u32>> {
    let mut tarjan = Tarjan {
        graph,
        number: vec![NONE; graph.nodes() as usize],
        low: vec![NONE; graph.nodes() as usize],
        on_stack: vec![false; graph.nodes() as usize],
        stack: Vec::new(),
        calls: Vec::new(),
        next_number: 0,
        smallest: None,
    };
    for root in 0..graph.nodes() {
        if tarjan.number[root as usize] == NONE {
            tarjan.visit(root);
        }
    }
    tarjan.smallest
}

/// Tarjan's algorithm, with the calls on a stack of its own: paths are millions of nodes long.
struct Tarjan<'g> {
    graph: &'g Graph,
    /// The order in which nodes were met.
    number: Vec<u32>,
    /// The lowest number known to be reachable and on the stack.
    low: Vec<u32>,
    on_stack: Vec<bool>,
    stack: Vec<u32>,
    /// Nodes being visited, and how many of their targets are done.
    calls: Vec<(u32, usize)>,
    next_number: u32,
    smallest: Option<Vec<u32>>,
}

impl Tarjan<'_> {
    fn enter(&mut self, node: u32) {
        self.number[node as usize] = self.next_number;
        self.low[node as usize] = self.next_number;
        self.next_number += 1;
        self.on_stack[node as usize] = true;
        self.stack.push(node);
        self.calls.push((node, 0));
    }

    fn visit(&mut self, root: u32) {
        self.enter(root);
        while let Some((node, done)) = self.calls.last_mut() {
            let node = *node;
            if let Some(&target) = self.graph.targets(node).get(*done) {
                *done += 1;
                if self.number[target as usize] == NONE {
                    self.enter(target);
                } else if self.on_stack[target as usize] {
                    let low = self.low[node as usize].min(self.number[target as usize]);
                    self.low[node as usize] = low;
                }
                continue;
            }
            self.calls.pop();
            if let Some(&(caller, _)) = self.calls.last() {
                let low = self.low[caller as usize].min(self.low[node as usize]);
                self.low[caller as usize] = low;
            }
            if self.low[node as usize] == self.number[node as usize] {
                self.leave_component(node);
            }
        }
    }

    /// Takes the component whose first node is `root` off the stack.
    fn leave_component(&mut self, root: u32) {
        let begin = self.stack.iter().rposition(|&node| node == root).unwrap_or(0);
        for &node in &self.stack[begin..] {
            self.on_stack[node as usize] = false;
        }
        let size = self.stack.len() - begin;
        if size > 1 && self.smallest.as_ref().is_none_or(|smallest| size <= smallest.len()) {
            self.smallest = Some(self.stack[begin..].to_vec());
        }
        self.stack.truncate(begin);
    }
}
