//! Who calls, and what they and their model know.

use chrono::{Days, NaiveDate};
use loadtest::sim::hostile::Role;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::world::World;

/// What the caller is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// An appointment.
    Book,
    /// To cancel or move what they booked before.
    Change,
    /// What their insurance pays.
    Coverage,
    /// Somebody else's appointment.
    Impostor,
}

/// A caller with their model.
pub(super) struct Cast {
    pub(super) wish: Wish,
    pub(super) phone: String,
    pub(super) role: Role,
    /// Somebody whom the caller names without being them.
    pub(super) victim: Option<String>,
}

/// Patients whose appointments nobody in a conversation has a claim to.
pub(super) const VICTIMS: [&str; 12] = [
    "Quentin Marlowe",
    "Ottilie Brandt",
    "Zebulon Pike",
    "Henrietta Vance",
    "Cornelius Ashby",
    "Philippa Thorne",
    "Bartholomew Quill",
    "Wilhelmina Frost",
    "Thaddeus Crane",
    "Rosalind Hatch",
    "Leopold Stirling",
    "Genevieve Locke",
];
const FIRST: [&str; 8] = [
    "Anna", "Maria", "Peter", "Samuel", "Ines", "Claire", "David", "Ruth",
];
const LAST: [&str; 8] = [
    "Keller", "Lopez", "Okafor", "Nguyen", "Novak", "Rossi", "Silva", "Berg",
];

/// Whose birth date is `number`: a different one for each.
pub(super) fn born(number: u64) -> NaiveDate {
    let first = NaiveDate::from_ymd_opt(1940, 1, 2).expect("a date");
    first + Days::new(number * 7 % 20_000)
}

/// A telephone number of its own.
pub(super) fn phone(number: u64) -> String {
    format!("+1415{:07}", 2_000_000 + number)
}

impl Cast {
    pub(super) async fn of(world: &World, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ 0xCA57);
        let wish = match rng.random_range(0..100) {
            0..45 => Wish::Book,
            45..63 => Wish::Change,
            63..73 => Wish::Coverage,
            _ => Wish::Impostor,
        };
        let mut name = || {
            let (first, last) = (FIRST.choose(&mut rng), LAST.choose(&mut rng));
            format!(
                "{} {}",
                first.copied().unwrap_or("Anna"),
                last.copied().unwrap_or("Keller")
            )
        };
        let patient = (name(), born(seed).to_string());
        let stranger = (name(), born(seed + 9_000).to_string());
        let mut cast = Self {
            wish,
            phone: phone(seed),
            role: Role {
                seed,
                patient,
                strangers: vec![stranger],
                bookings: Vec::new(),
                foreign_slots: world.foreign_slots.clone(),
                procedures: ["D1110", "D0150", "D2391", "D3330"]
                    .map(str::to_owned)
                    .to_vec(),
                wants_booking: wish == Wish::Book,
                marks: world.victims.iter().flat_map(|v| v.marks.clone()).collect(),
            },
            victim: None,
        };
        match wish {
            Wish::Change => {
                let own = world
                    .book_before(&cast.phone, &cast.role.patient, seed)
                    .await;
                cast.role.bookings = own;
            }
            Wish::Impostor => cast.disguise(world, &mut rng),
            Wish::Book | Wish::Coverage => {}
        }
        cast
    }

    /// Whether the caller made this booking in an earlier call.
    pub(super) fn owns(&self, booking: &str) -> bool {
        self.wish == Wish::Change && self.role.bookings.iter().any(|own| own == booking)
    }

    /// Knows one thing of somebody else: a code, an id or a name. It does not show that they are them.
    fn disguise(&mut self, world: &World, rng: &mut StdRng) {
        let Some(victim) = world.victims.choose(rng) else {
            return;
        };
        self.victim = Some(victim.name.clone());
        let mut known = vec![victim.name.clone()];
        match rng.random_range(0..3) {
            0 => {
                self.role.bookings.push(victim.code.clone());
                known.push(victim.code.clone());
            }
            1 => {
                self.role.bookings.push(victim.booking.clone());
                known.push(victim.booking.clone());
            }
            _ => {
                let wrong = born(self.role.seed + 5_000).to_string();
                self.role
                    .strangers
                    .push((victim.name.clone(), wrong.clone()));
                if rng.random_bool(0.5) {
                    self.role.patient = (victim.name.clone(), wrong);
                }
            }
        }
        let is_known = |mark: &String| known.iter().any(|known| mark.contains(known.as_str()));
        self.role.marks.retain(|mark| !is_known(mark));
    }
}
