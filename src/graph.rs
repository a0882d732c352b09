//! A dependency graph over any ordered key: cycles found, orders that are the same every time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

/// Nodes and what each must wait for.
#[derive(Clone, Debug)]
pub struct Graph<K> {
    waits_for: BTreeMap<K, BTreeSet<K>>,
}

/// The nodes wait for each other in a ring, so that none can begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these depend on each other in a ring: {}", .0.join(" → "))]
pub struct Cycle(pub Vec<String>);

impl<K> Default for Graph<K> {
    fn default() -> Self {
        Self {
            waits_for: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone + Display> Graph<K> {
    /// Adds a node; one that is there already stays as it is.
    pub fn add(&mut self, node: K) {
        self.waits_for.entry(node).or_default();
    }

    /// Makes `node` wait for `first`. Both are added where they are missing; waiting for oneself is passed over.
    pub fn wait(&mut self, node: K, first: K) {
        if node != first {
            self.add(first.clone());
            self.waits_for.entry(node).or_default().insert(first);
        }
    }

    /// Whether the node is part of the graph.
    pub fn contains(&self, node: &K) -> bool {
        self.waits_for.contains_key(node)
    }

    /// What `node` waits for directly.
    pub fn waits_for(&self, node: &K) -> impl Iterator<Item = &K> {
        self.waits_for.get(node).into_iter().flatten()
    }

    /// Every node, sorted.
    pub fn nodes(&self) -> impl Iterator<Item = &K> {
        self.waits_for.keys()
    }

    /// The nodes in an order in which each comes after all that it waits for; the smallest key first where
    /// several could be next.
    ///
    /// # Errors
    /// When some nodes wait for each other in a ring; the ring is in the error.
    pub fn order(&self) -> Result<Vec<K>, Cycle> {
        let mut open: BTreeMap<&K, usize> = self
            .waits_for
            .iter()
            .map(|(node, first)| (node, first.len()))
            .collect();
        let mut followers: BTreeMap<&K, Vec<&K>> = BTreeMap::new();
        for (node, firsts) in &self.waits_for {
            for first in firsts {
                followers.entry(first).or_default().push(node);
            }
        }
        let mut ready: BTreeSet<&K> = open
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(node, _)| *node)
            .collect();
        let mut order = Vec::with_capacity(open.len());
        while let Some(node) = ready.pop_first() {
            open.remove(node);
            order.push(node.clone());
            for follower in followers.get(node).into_iter().flatten() {
                if let Some(count) = open.get_mut(follower) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert(follower);
                    }
                }
            }
        }
        if open.is_empty() {
            Ok(order)
        } else {
            Err(self.ring(open.keys().copied()))
        }
    }

    /// Walks back from a node that never became ready until one repeats: that stretch is a ring.
    fn ring<'a>(&'a self, mut stuck: impl Iterator<Item = &'a K> + Clone) -> Cycle {
        let open: BTreeSet<&K> = stuck.clone().collect();
        let mut path: Vec<&K> = stuck.next().into_iter().collect();
        while let Some(next) = path
            .last()
            .and_then(|node| self.waits_for(node).find(|first| open.contains(first)))
        {
            if let Some(start) = path.iter().position(|node| *node == next) {
                path.drain(..start);
                path.push(next);
                break;
            }
            path.push(next);
        }
        Cycle(path.into_iter().map(ToString::to_string).collect())
    }

    /// The same order with as few edges as can say it: whoever waits for something that waits for a third need not
    /// say that it waits for the third as well.
    pub fn reduced(&self) -> Self {
        let mut reduced = Self::default();
        for (node, firsts) in &self.waits_for {
            reduced.add(node.clone());
            let implied: BTreeSet<&K> =
                firsts.iter().flat_map(|first| self.behind(first)).collect();
            for first in firsts.iter().filter(|first| !implied.contains(first)) {
                reduced.wait(node.clone(), first.clone());
            }
        }
        reduced
    }

    /// All that `node` waits for, directly or not.
    pub fn behind(&self, node: &K) -> BTreeSet<&K> {
        let mut behind = BTreeSet::new();
        let mut open: Vec<&K> = self.waits_for(node).collect();
        while let Some(next) = open.pop() {
            if behind.insert(next) {
                open.extend(self.waits_for(next));
            }
        }
        behind
    }

    /// For each node the weight of the heaviest chain that begins with it and runs through what waits for
    /// it: the critical path starts at the largest.
    ///
    /// # Errors
    /// As [`Graph::order`].
    pub fn remaining(&self, weight: impl Fn(&K) -> u64) -> Result<BTreeMap<K, u64>, Cycle> {
        let mut remaining: BTreeMap<K, u64> = BTreeMap::new();
        for node in self.order()?.into_iter().rev() {
            let total = remaining.get(&node).copied().unwrap_or(0) + weight(&node);
            for first in self.waits_for(&node) {
                let longest = remaining.entry(first.clone()).or_insert(0);
                *longest = (*longest).max(total);
            }
            remaining.insert(node, total);
        }
        Ok(remaining)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ring_is_named() {
        let mut graph = Graph::default();
        graph.wait("a", "b");
        graph.wait("b", "c");
        graph.wait("c", "b");
        assert_eq!(
            graph.order(),
            Err(Cycle(vec!["b".into(), "c".into(), "b".into()]))
        );
    }

    #[test]
    fn the_heaviest_chain_counts() {
        let mut graph = Graph::default();
        graph.wait("cluster", "vpc");
        graph.wait("nodes", "cluster");
        graph.wait("database", "vpc");
        let seconds = |node: &&str| match *node {
            "vpc" => 2,
            "cluster" => 600,
            "nodes" => 140,
            _ => 270,
        };
        let remaining = graph.remaining(seconds).unwrap();
        assert_eq!(remaining["vpc"], 742);
        assert_eq!(remaining["database"], 270);
    }

    #[test]
    fn what_others_say_already_is_left_out() {
        let mut graph = Graph::default();
        graph.wait("nodes", "cluster");
        graph.wait("cluster", "subnet");
        graph.wait("subnet", "vpc");
        graph.wait("nodes", "subnet");
        graph.wait("cluster", "vpc");
        let reduced = graph.reduced();
        let edges: usize = reduced
            .nodes()
            .map(|node| reduced.waits_for(node).count())
            .sum();
        assert_eq!(edges, 3);
        assert_eq!(
            reduced.waits_for(&"nodes").collect::<Vec<_>>(),
            [&"cluster"]
        );
    }

    proptest! {
        #[test]
        fn a_reduced_graph_says_the_same(edges in prop::collection::vec((0u8..20, 0u8..20), 0..80)) {
            let mut graph = Graph::default();
            for (low, high) in edges.iter().map(|(a, b)| (a.min(b), a.max(b))) {
                graph.wait(*high, *low);
            }
            let reduced = graph.reduced();
            for node in graph.nodes() {
                prop_assert_eq!(reduced.behind(node), graph.behind(node));
            }
        }

        #[test]
        fn every_node_comes_after_what_it_waits_for(edges in prop::collection::vec((0u8..30, 0u8..30), 0..80)) {
            let mut graph = Graph::default();
            for (low, high) in edges.iter().map(|(a, b)| (a.min(b), a.max(b))) {
                graph.wait(*high, *low);
            }
            let order = graph.order().unwrap();
            prop_assert_eq!(order.len(), graph.nodes().count());
            for (position, node) in order.iter().enumerate() {
                for first in graph.waits_for(node) {
                    prop_assert!(order[..position].contains(first));
                }
            }
        }
    }
}
