//! Walks through all states, breadth first.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasherDefault, Hasher},
};

use crate::{
    canon::Key,
    rules::{Bounds, Rules},
    steps::{Step, steps},
    world::World,
};

/// What was found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Different states that were reached.
    pub states: usize,
    /// Steps that were taken between them.
    pub steps: usize,
    /// Steps to the farthest state.
    pub depth: usize,
    /// Most steps from any state to one in which no call needs anything.
    pub calm: usize,
    /// What is wrong, if anything is.
    pub fault: Option<Fault>,
}

/// A rule that does not hold.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which.
    pub what: &'static str,
    /// The shortest way there; each step with the state that it leads to.
    pub way: Vec<(Step, World)>,
}

/// No state follows: no call needs anything.
const SETTLED: u32 = u32::MAX;

/// Walks until all states are known or a rule is broken.
#[must_use]
pub fn check(bounds: &Bounds, rules: &Rules) -> Verdict {
    let mut walk = Walk::new(bounds, rules);
    let mut fault = walk.run();
    let mut calm = 0;
    if fault.is_none() {
        match longest_calm(&walk.calm) {
            Ok(steps) => calm = steps,
            Err(state) => {
                fault = Some(Fault {
                    what: "a call is lost: without further faults nobody ever serves or ends it",
                    way: walk.way_to(state),
                });
            }
        }
    }
    Verdict {
        states: walk.parents.len(),
        steps: walk.steps,
        depth: walk.depth,
        calm,
        fault,
    }
}

struct Walk<'a> {
    bounds: &'a Bounds,
    rules: &'a Rules,
    numbers: HashMap<Key, u32, BuildHasherDefault<Mix>>,
    parents: Vec<u32>,
    calm: Vec<u32>,
    steps: usize,
    depth: usize,
}

impl<'a> Walk<'a> {
    fn new(bounds: &'a Bounds, rules: &'a Rules) -> Self {
        Self {
            bounds,
            rules,
            numbers: HashMap::default(),
            parents: Vec::new(),
            calm: Vec::new(),
            steps: 0,
            depth: 0,
        }
    }

    fn run(&mut self) -> Option<Fault> {
        let (first, key) = World::new(self.bounds).canonical(self.bounds, self.rules);
        self.numbers.insert(key, 0);
        self.parents.push(0);
        let mut open = VecDeque::from([(first, 0, 0)]);
        let mut possible = Vec::new();
        while let Some((world, number, depth)) = open.pop_front() {
            self.depth = depth;
            steps(&world, self.bounds, self.rules, &mut possible);
            for step in &possible {
                let mut next = world;
                next.go(self.rules, *step);
                next.be_prompt(self.bounds, self.rules);
                self.steps += 1;
                if next == world {
                    continue;
                }
                let checked = next
                    .check_since(&world)
                    .and_then(|()| next.check(self.bounds, self.rules));
                if let Err(what) = checked {
                    return Some(self.fault(what, number));
                }
                let (next, key) = next.canonical(self.bounds, self.rules);
                let new = self.parents.len() as u32;
                if *self.numbers.entry(key).or_insert(new) == new {
                    self.parents.push(number);
                    open.push_back((next, new, depth + 1));
                }
            }
            let after = self.after_calm(world);
            self.calm.push(after);
        }
        None
    }

    /// The calm step is one of those that were just taken.
    fn after_calm(&self, world: World) -> u32 {
        let Some(step) = world.calm(self.bounds, self.rules) else {
            return SETTLED;
        };
        let mut next = world;
        next.go(self.rules, step);
        next.be_prompt(self.bounds, self.rules);
        let (_, key) = next.canonical(self.bounds, self.rules);
        *self
            .numbers
            .get(&key)
            .unwrap_or_else(|| panic!("{step:?} is not possible in {world:?}"))
    }

    /// The way to a step from this state that breaks the rule.
    fn fault(&self, what: &'static str, number: u32) -> Fault {
        let mut way = self.way_to(number);
        let world = way
            .last()
            .map_or_else(|| World::new(self.bounds), |(_, world)| *world);
        let broken = self.find(&world, |next| {
            let checked = next.check_since(&world);
            checked.and_then(|()| next.check(self.bounds, self.rules)) == Err(what)
        });
        way.extend(broken);
        Fault { what, way }
    }

    fn find(&self, world: &World, is_it: impl Fn(&World) -> bool) -> Option<(Step, World)> {
        let mut possible = Vec::new();
        steps(world, self.bounds, self.rules, &mut possible);
        possible.into_iter().find_map(|step| {
            let mut next = *world;
            next.go(self.rules, step);
            next.be_prompt(self.bounds, self.rules);
            is_it(&next).then_some((step, next))
        })
    }

    /// Goes the way again, from the first state. Everybody keeps the name that they had there.
    fn way_to(&self, number: u32) -> Vec<(Step, World)> {
        let mut numbers = vec![number];
        while let Some(last) = numbers.last().copied().filter(|last| *last != 0) {
            numbers.push(self.parents[last as usize]);
        }
        let mut way: Vec<(Step, World)> = Vec::new();
        for number in numbers.iter().rev().skip(1) {
            let world = way
                .last()
                .map_or_else(|| World::new(self.bounds), |(_, world)| *world);
            let taken = self.find(&world, |next| {
                let (_, key) = next.canonical(self.bounds, self.rules);
                self.numbers.get(&key) == Some(number)
            });
            way.push(taken.expect("each state was reached from its parent"));
        }
        way
    }
}

/// The longest of all calm ways, or a state from which one goes in circles.
fn longest_calm(next: &[u32]) -> Result<usize, u32> {
    const UNKNOWN: u32 = u32::MAX;
    let mut length = vec![UNKNOWN; next.len()];
    let mut longest = 0;
    for start in 0..next.len() as u32 {
        let mut path = Vec::new();
        let mut at = start;
        while at != SETTLED && length[at as usize] == UNKNOWN {
            if path.len() > next.len().min(1000) {
                return Err(start);
            }
            path.push(at);
            at = next[at as usize];
        }
        let mut steps = if at == SETTLED {
            0
        } else {
            length[at as usize]
        };
        for state in path.into_iter().rev() {
            if next[state as usize] != SETTLED {
                steps += 1;
            }
            length[state as usize] = steps;
        }
        longest = longest.max(steps);
    }
    Ok(longest as usize)
}

/// Multiplies and folds; keys are spread already, an attacker is not near.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            let word = word
                .iter()
                .rev()
                .fold(0, |all, byte| all << 8 | u64::from(*byte));
            self.write_u64(word);
        }
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0x9E37_79B9_7F4A_7C15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
