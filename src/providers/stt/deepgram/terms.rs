//! Which of a clinic's key terms the vendor takes. Pure.
//!
//! The vendor refuses a stream (400) whose terms have more than 500 of its tokens together, or hold something that it does not like, and does not say which. A call must not
//! be lost for that, nor pay for it each time: what was refused is remembered, and what is in doubt is offered again in halves, with a pause after each refusal, until
//! the refused terms are left out one by one.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

/// The vendor's limit. It cannot be counted here: its tokens are at least the words, and about a third of the letters of a name.
const TOKENS: usize = 500;
/// Fewer than the limit, because a third of the letters is an estimate.
const SURE_TOKENS: usize = 450;
/// Terms make the address long, and 8 KiB is what servers commonly take of it.
const BYTES: usize = 6 * 1024;
/// Between a refusal and the next try with terms that are in doubt.
const PAUSE: Duration = Duration::from_secs(300);
/// Lists that are remembered: a clinic has one until it is changed.
const LISTS: usize = 1000;

/// What is known of each list of terms at one deployment of the vendor.
#[derive(Debug, Default)]
pub(super) struct Terms {
    lists: HashMap<Vec<String>, List>,
}

/// A list of which something was refused.
#[derive(Debug)]
struct List {
    taken: Vec<String>,
    /// Each of these groups was refused, or not tried.
    doubtful: VecDeque<Vec<String>>,
    again_at: Instant,
}

impl Terms {
    /// What to offer, best first: each is for the case that the one before it was refused. The last is nothing.
    pub(super) fn offers(&self, terms: &[String], now: Instant) -> Vec<Vec<String>> {
        let mut offers = match self.lists.get(terms) {
            None => vec![at_most(terms), surely(terms)],
            Some(list) => {
                let group = list.doubtful.front().filter(|_| now >= list.again_at);
                let with_group = group.map(|group| [&*list.taken, &**group].concat());
                with_group.into_iter().chain([list.taken.clone()]).collect()
            }
        };
        offers.push(Vec::new());
        offers.dedup();
        offers
    }

    /// The vendor refused the first so many of the offers, and took the next one: it was the terms.
    pub(super) fn learn(
        &mut self,
        terms: &[String],
        offers: &[Vec<String>],
        refused: usize,
        now: Instant,
    ) {
        let (Some(first), Some(taken)) = (offers.first(), offers.get(refused)) else {
            return;
        };
        match self.lists.get_mut(terms) {
            None if refused == 0 => {}
            None => {
                let rest: Vec<String> = first
                    .iter()
                    .filter(|t| !taken.contains(t))
                    .cloned()
                    .collect();
                self.remember(terms, taken.clone(), halves(rest), now + PAUSE);
            }
            Some(list) if refused == 0 && first.len() > list.taken.len() => {
                list.doubtful.pop_front();
                list.taken.clone_from(first);
            }
            Some(_) if refused == 0 => {}
            Some(list) if taken == &list.taken => {
                let group = list.doubtful.pop_front().unwrap_or_default();
                for half in halves(group)
                    .into_iter()
                    .rev()
                    .filter(|_| first.len() > taken.len() + 1)
                {
                    list.doubtful.push_front(half);
                }
                list.again_at = now + PAUSE;
            }
            // It has changed its mind about what it took.
            Some(_) => {
                let all = surely(terms);
                self.remember(terms, taken.clone(), halves(all), now + PAUSE);
            }
        }
    }

    fn remember(
        &mut self,
        terms: &[String],
        taken: Vec<String>,
        doubtful: VecDeque<Vec<String>>,
        again_at: Instant,
    ) {
        if self.lists.len() >= LISTS {
            self.lists.clear();
        }
        let list = List {
            taken,
            doubtful,
            again_at,
        };
        self.lists.insert(terms.to_vec(), list);
    }
}

/// Two groups of about one size; none of no terms.
fn halves(mut terms: Vec<String>) -> VecDeque<Vec<String>> {
    let second = terms.split_off(terms.len().div_ceil(2));
    let mut groups = VecDeque::from([terms, second]);
    groups.retain(|group| !group.is_empty());
    groups
}

/// The first terms that the vendor may take at the most.
fn at_most(terms: &[String]) -> Vec<String> {
    within(terms, TOKENS, |term| term.split_whitespace().count())
}

/// The first terms that it takes if nothing is wrong with them.
fn surely(terms: &[String]) -> Vec<String> {
    within(terms, SURE_TOKENS, |term| term.chars().count().div_ceil(3))
}

fn within(terms: &[String], tokens: usize, count: impl Fn(&str) -> usize) -> Vec<String> {
    let (mut counted, mut bytes) = (0, 0);
    let fits = |term: &&String| {
        counted += count(term.as_str()).max(1);
        // In an address a letter outside ASCII takes three characters for each byte.
        bytes +=
            "&keyterm=".len() + 3 * term.len() - 2 * term.chars().filter(char::is_ascii).count();
        counted <= tokens && bytes <= BYTES
    };
    terms.iter().take_while(fits).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("Dr. Number {n}")).collect()
    }

    /// A vendor, and a clinic that calls it every ten minutes.
    struct Practice<F> {
        memory: Terms,
        takes: F,
        now: Instant,
    }

    impl<F: Fn(&[String]) -> bool> Practice<F> {
        fn new(takes: F) -> Self {
            Self {
                memory: Terms::default(),
                takes,
                now: Instant::now(),
            }
        }

        /// One call: what was taken, and after how many refusals.
        fn call(&mut self, terms: &[String], after: Duration) -> (Vec<String>, usize) {
            self.now += after;
            let offers = self.memory.offers(terms, self.now);
            let takes = |offer: &Vec<String>| offer.is_empty() || (self.takes)(offer);
            let refused = offers.iter().position(takes).expect("the last is nothing");
            self.memory.learn(terms, &offers, refused, self.now);
            (offers[refused].clone(), refused)
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    // Case C40.
    #[test]
    fn a_clinic_with_very_many_names_offers_as_many_as_the_vendor_may_take() {
        let memory = Terms::default();
        let offered = |terms: &[String]| memory.offers(terms, Instant::now())[0].len();
        assert_eq!(offered(&terms(20)), 20);
        assert_eq!(offered(&terms(120)), 120);
        assert_eq!(offered(&terms(400)), 166, "500 words");
        let long = vec!["Wolfeschlegelsteinhausenbergerdorff".to_owned(); 600];
        assert_eq!(offered(&long), 139, "6 KiB");
        assert_eq!(offered(&[]), 0);
    }

    #[test]
    fn what_the_vendor_takes_is_offered_each_time() {
        let mut practice = Practice::new(|_: &[String]| true);
        for _ in 0..3 {
            let (taken, refused) = practice.call(&terms(120), SECOND);
            assert_eq!((taken.len(), refused), (120, 0));
        }
    }

    // Case C40.
    #[test]
    fn a_refusal_is_paid_once_and_not_on_each_call() {
        let mut practice = Practice::new(|_: &[String]| false);
        assert_eq!(practice.call(&terms(5), SECOND), (Vec::new(), 1));
        for _ in 0..100 {
            assert_eq!(practice.call(&terms(5), SECOND), (Vec::new(), 0));
        }
        let refusals: usize = (0..1000).map(|_| practice.call(&terms(5), PAUSE).1).sum();
        assert!(
            refusals <= 10,
            "{refusals} while five terms were tried in halves"
        );
    }

    #[test]
    fn terms_that_are_too_many_come_back_to_those_that_are_surely_few_enough() {
        let letters = |offer: &[String]| offer.iter().map(|t| t.len().div_ceil(3)).sum::<usize>();
        let mut practice = Practice::new(|offer| letters(offer) <= 480);
        let (taken, refused) = practice.call(&terms(120), SECOND);
        assert_eq!(refused, 1);
        assert!(letters(&taken) > 440, "{}", taken.len());
        for _ in 0..80 {
            assert!(practice.call(&terms(120), PAUSE).1 <= 1);
        }
        let (taken, refused) = practice.call(&terms(120), SECOND);
        assert_eq!(refused, 0);
        assert!(letters(&taken) > 470, "{} in the end", letters(&taken));
    }

    // Case C40.
    #[test]
    fn one_bad_term_is_left_out_in_the_end_and_the_others_are_used() {
        for bad in [0, 7, 19] {
            let bad = format!("Dr. Number {bad}");
            let mut practice = Practice::new(|offer: &[String]| !offer.contains(&bad));
            let all = terms(20);
            assert_eq!(practice.call(&all, SECOND), (Vec::new(), 1));
            for _ in 0..20 {
                assert!(practice.call(&all, PAUSE).1 <= 1, "one try more on a call");
            }
            let (mut taken, refused) = practice.call(&all, PAUSE);
            taken.sort();
            let mut good: Vec<String> = all.iter().filter(|t| **t != bad).cloned().collect();
            good.sort();
            assert_eq!((taken, refused), (good, 0));
        }
    }

    #[test]
    fn a_vendor_that_changes_its_mind_is_served_without() {
        let allowed = std::cell::Cell::new(3);
        let mut practice = Practice::new(|offer: &[String]| offer.len() <= allowed.get());
        let all = terms(6);
        practice.call(&all, SECOND);
        practice.call(&all, PAUSE);
        assert_eq!(practice.call(&all, SECOND).0.len(), 3);
        allowed.set(0);
        let (taken, _) = practice.call(&all, SECOND);
        assert!(taken.is_empty());
        assert_eq!(practice.call(&all, SECOND), (Vec::new(), 0));
    }
}
