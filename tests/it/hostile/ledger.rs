//! What Postgres holds of a clinic after its conversations.

use std::collections::BTreeMap;

use super::world::World;

/// Seconds since 1970.
pub(super) type Time = f64;

/// A booking and all that was done to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Booked {
    pub(super) patient: String,
    /// The call that made it.
    pub(super) call: String,
    pub(super) is_live: bool,
    pub(super) starts: Time,
    pub(super) ends: Time,
    /// Days of the week on which it is or was, in the clinic's zone.
    pub(super) days: Vec<String>,
    pub(super) deeds: Vec<Deed>,
}

/// A mutation.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    pub(super) call: String,
    pub(super) tool: String,
    pub(super) at: Time,
}

/// All bookings by id.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) bookings: BTreeMap<String, Booked>,
}

const BOOKINGS: &str = "SELECT concat_ws('|', booking_id, patient_id, call_id, status = 'booked', extract(epoch FROM starts_at), \
     extract(epoch FROM ends_at), trim(to_char(starts_at AT TIME ZONE 'America/New_York', 'Day'))) FROM bookings";
const DEEDS: &str = "SELECT concat_ws('|', booking_id, call_id, tool, extract(epoch FROM executed_at), \
     trim(to_char(starts_at AT TIME ZONE 'America/New_York', 'Day')), trim(to_char(from_starts_at AT TIME ZONE 'America/New_York', 'Day'))) \
     FROM tool_executions ORDER BY executed_at";

impl Ledger {
    pub(super) fn read(world: &World) -> Self {
        let mut ledger = Self::default();
        for row in world.rig.as_superuser(BOOKINGS).lines() {
            let fields: Vec<&str> = row.split('|').collect();
            let [id, patient, call, live, starts, ends, day] = fields.as_slice() else {
                continue;
            };
            let booked = Booked {
                patient: (*patient).to_owned(),
                call: (*call).to_owned(),
                is_live: *live == "t" || *live == "true",
                starts: time(starts),
                ends: time(ends),
                days: vec![(*day).to_owned()],
                deeds: Vec::new(),
            };
            ledger.bookings.insert((*id).to_owned(), booked);
        }
        for row in world.rig.as_superuser(DEEDS).lines() {
            let fields: Vec<&str> = row.split('|').collect();
            let [id, call, tool, at, days @ ..] = fields.as_slice() else {
                continue;
            };
            let booked = ledger
                .bookings
                .get_mut(*id)
                .expect("a deed has its booking");
            booked.days.extend(days.iter().map(|day| (*day).to_owned()));
            booked.deeds.push(Deed {
                call: (*call).to_owned(),
                tool: (*tool).to_owned(),
                at: time(at),
            });
        }
        ledger
    }
}

fn time(text: &str) -> Time {
    text.parse().expect("a time in seconds")
}

impl Booked {
    /// Whether it stood at some moment between these times.
    pub(super) fn stood(&self, from: Time, to: Time) -> bool {
        let mut live_since = None;
        for deed in &self.deeds {
            match (deed.tool.as_str(), live_since) {
                ("cancel_appointment", Some(since)) => {
                    if since <= to && deed.at >= from {
                        return true;
                    }
                    live_since = None;
                }
                ("cancel_appointment", None) => {}
                (_, None) => live_since = Some(deed.at),
                (_, Some(_)) => {}
            }
        }
        live_since.is_some_and(|since| since <= to)
    }

    /// Whether this tool did something to it before this time.
    pub(super) fn was(&self, tool: &str, before: Time) -> bool {
        self.deeds
            .iter()
            .any(|deed| deed.tool == tool && deed.at <= before)
    }
}
