use proptest::prelude::*;

use super::*;

/// A 20 ms wideband SILK packet whose number can be read back; with or without an LBRR flag.
fn packet(seq: u64, fec: bool) -> Vec<u8> {
    let flags = if fec { 0b1100_0000 } else { 0b1000_0000 };
    [&[9 << 3, flags][..], &seq.to_be_bytes()].concat()
}

fn number(payload: &[u8]) -> u64 {
    u64::from_be_bytes(payload[2..10].try_into().expect("made by `packet`"))
}

/// What a 10 ms pull played: the packet's number, or the kind of replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Packet(u64),
    Fec(u64),
    Concealed,
    Nothing,
}

/// A buffer with the fifo that a receiver would have behind it.
struct Player {
    buffer: JitterBuffer,
    ahead: Ticks,
    heard: Vec<Heard>,
}

impl Player {
    fn new() -> Self {
        Self {
            buffer: JitterBuffer::new(true),
            ahead: 0,
            heard: Vec::new(),
        }
    }

    fn push(&mut self, at_ms: i64, seq: u64, fec: bool) {
        self.buffer
            .push(at_ms * MS, seq, seq * 960, &packet(seq, fec));
    }

    fn pull(&mut self, at_ms: i64) {
        while self.ahead < BLOCK {
            let (what, ticks) = match self.buffer.next(at_ms * MS) {
                Step::Decode { payload, ticks } => (Heard::Packet(number(payload)), ticks),
                Step::Recover { payload, ticks } => (Heard::Fec(number(payload)), ticks),
                Step::Conceal { ticks } => (Heard::Concealed, ticks),
                Step::Silence => (Heard::Nothing, BLOCK - self.ahead),
            };
            assert!(ticks > 0, "each step makes progress");
            self.ahead += ticks;
            self.heard.push(what);
        }
        self.ahead -= BLOCK;
    }

    /// Pulls on the 10 ms grid from `from_ms` up to `to_ms`.
    fn pull_until(&mut self, from_ms: i64, to_ms: i64) {
        (from_ms..to_ms).step_by(10).for_each(|at| self.pull(at));
    }

    fn sounds(&self) -> Vec<Heard> {
        self.heard
            .iter()
            .copied()
            .filter(|h| *h != Heard::Nothing)
            .collect()
    }
}

#[test]
fn playout_waits_for_the_target_delay_and_then_runs() {
    let mut player = Player::new();
    for seq in 0..10 {
        player.push(seq as i64 * 20, seq, false);
        player.pull(seq as i64 * 20);
        player.pull(seq as i64 * 20 + 10);
    }
    assert_eq!(player.heard[..4], [Heard::Nothing; 4]);
    assert_eq!(
        player.sounds(),
        (0..8).map(Heard::Packet).collect::<Vec<_>>()
    );
}

#[test]
fn reordered_and_doubled_packets_are_played_once_in_order() {
    let mut player = Player::new();
    for (at, seq) in [(0, 3), (1, 2), (2, 2), (20, 5), (21, 4), (22, 5)] {
        player.push(at, seq, false);
    }
    player.pull_until(40, 120);
    assert_eq!(player.sounds(), [2, 3, 4, 5].map(Heard::Packet));
    assert_eq!(player.buffer.stats().0.packets_duplicated, 2);
}

#[test]
fn the_last_lost_frame_comes_from_fec_and_the_ones_before_are_concealed() {
    let mut player = Player::new();
    for seq in [0, 1, 2, 5, 6] {
        player.push(0, seq, true);
    }
    player.pull_until(40, 160);
    use Heard::{Concealed, Fec, Packet};
    let expected = [
        Packet(0),
        Packet(1),
        Packet(2),
        Concealed,
        Fec(5),
        Packet(5),
    ];
    assert_eq!(player.sounds()[..6], expected);
    let (stats, concealed) = player.buffer.stats();
    assert_eq!((stats.packets_lost, stats.packets_recovered_by_fec), (2, 1));
    assert_eq!(concealed, 20 * MS);
}

#[test]
fn a_packet_that_comes_after_its_replacement_is_late() {
    let mut player = Player::new();
    for seq in [0, 2, 3] {
        player.push(0, seq, false);
    }
    player.pull_until(40, 100);
    player.push(100, 1, false);
    player.push(101, 1, false);
    player.pull_until(100, 120);
    use Heard::{Concealed, Packet};
    assert_eq!(
        player.sounds(),
        [Packet(0), Concealed, Packet(2), Packet(3)]
    );
    let stats = player.buffer.stats().0;
    assert_eq!(
        (
            stats.packets_lost,
            stats.packets_late,
            stats.packets_duplicated
        ),
        (1, 1, 1)
    );
}

#[test]
fn an_empty_buffer_delays_the_rest_instead_of_cutting_it() {
    let mut player = Player::new();
    player.push(0, 0, false);
    player.pull_until(40, 90);
    for seq in 1..4 {
        player.push(90, seq, false);
    }
    player.pull_until(90, 150);
    use Heard::{Concealed, Packet};
    let expected = [
        Packet(0),
        Concealed,
        Concealed,
        Concealed,
        Packet(1),
        Packet(2),
        Packet(3),
    ];
    assert_eq!(player.sounds(), expected);
    let (stats, concealed) = player.buffer.stats();
    assert_eq!((stats.packets_lost, concealed), (0, 30 * MS));
}

#[test]
fn a_long_silence_stops_concealment_and_is_no_loss() {
    let mut player = Player::new();
    player.push(0, 0, false);
    player.pull_until(40, 2_000);
    assert_eq!(player.sounds().len(), 1 + 20, "200 ms of concealment");
    // The sender paused: time went on, the sequence did not.
    player
        .buffer
        .push(2_000 * MS, 1, 2_000 * 48, &packet(1, false));
    player.pull_until(2_000, 2_100);
    assert!(player.heard.contains(&Heard::Packet(1)));
    let (stats, concealed) = player.buffer.stats();
    assert_eq!((stats.packets_lost, concealed, stats.restarts), (0, 0, 0));
}

#[test]
fn a_pause_between_waiting_packets_lasts_as_long_as_the_sender_says() {
    let mut player = Player::new();
    player.push(0, 0, false);
    player.pull_until(40, 50);
    player.buffer.push(260 * MS, 1, 260 * 48, &packet(1, false));
    let mut at = 50;
    while !player.heard.contains(&Heard::Packet(1)) {
        player.pull(at);
        at += 10;
    }
    assert_eq!(at - 10, 260 + 40, "when due at a target delay of 40 ms");
    assert_eq!(player.buffer.stats().1, 0, "nothing was lost");
}

#[test]
fn jumps_start_anew_and_lose_nothing_that_follows() {
    let mut player = Player::new();
    for seq in 0..3 {
        player.push(seq as i64 * 20, seq, false);
    }
    player.pull_until(40, 100);
    // Another source: far ahead, then far behind.
    for (from, at) in [(900_000, 100), (50, 300)] {
        for n in 0..6 {
            player.push(at + n * 20, from + n as u64, false);
            player.pull(at + n * 20);
            player.pull(at + n * 20 + 10);
        }
        player.pull_until(at + 120, at + 200);
        let expected: Vec<_> = (from..from + 6).map(Heard::Packet).collect();
        let heard: Vec<_> = player
            .sounds()
            .into_iter()
            .filter(|h| expected.contains(h))
            .collect();
        // Going back is believed at the third packet only.
        let believed = if from == 50 {
            &expected[2..]
        } else {
            &expected[..]
        };
        assert_eq!(heard, believed);
    }
    assert_eq!(player.buffer.stats().0.restarts, 2);
}

#[test]
fn a_step_in_time_alone_is_followed() {
    let mut player = Player::new();
    player.push(0, 0, false);
    player.pull_until(40, 50);
    for n in 1..4 {
        player.buffer.push(
            n * 20 * MS,
            n as u64,
            5_000_000_000 + n as u64 * 960,
            &packet(n as u64, false),
        );
    }
    player.pull_until(50, 200);
    let packets: Vec<_> = player
        .heard
        .iter()
        .filter(|h| matches!(h, Heard::Packet(_)))
        .collect();
    assert_eq!(packets.len(), 4, "{packets:?}");
    assert_eq!(player.buffer.stats().0.restarts, 1);
}

#[test]
fn too_much_waiting_audio_is_cut_to_the_target() {
    let mut player = Player::new();
    for seq in 0..100 {
        player.push(seq as i64 * 20, seq, false);
    }
    player.pull(2_000);
    assert!(player.buffer.stats().0.packets_discarded > 90);
    assert!(matches!(player.heard[0], Heard::Packet(seq) if seq >= 96));
}

#[test]
fn after_a_repairable_loss_playout_leaves_time_for_fec() {
    let mut player = Player::new();
    for seq in [0, 1, 3, 4] {
        player.push(0, seq, true);
    }
    let before = player.buffer.target(0);
    player.pull_until(40, 120);
    assert_eq!(player.buffer.target(120 * MS), before + CONCEAL_PIECE);
    assert_eq!(player.buffer.target(20_000 * MS), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A stream through a network that drops, doubles, delays and reorders: each packet is heard at
    /// most once, in order, and none that came in time is missing.
    #[test]
    fn packets_are_heard_once_and_in_order(
        fates in proptest::collection::vec((0_i64..120, 0_u8..100, any::<bool>()), 1..200),
        start in 0_u64..1_000_000,
    ) {
        let mut arrivals = Vec::new();
        for (n, (delay, fate, fec)) in fates.iter().enumerate() {
            let at = n as i64 * 20 + delay;
            if *fate >= 10 { arrivals.push((at, n as u64, *fec)); }
            if *fate >= 90 { arrivals.push((at + 3, n as u64, *fec)); }
        }
        arrivals.sort_unstable();
        let mut player = Player::new();
        let end = fates.len() as i64 * 20 + 1_000;
        let mut waiting = arrivals.iter().peekable();
        for at in (0..end).step_by(10) {
            while let Some((_, n, fec)) = waiting.next_if(|(arrival, ..)| *arrival <= at) {
                let (seq, ts) = (start + n, 3_000_000_000 + n * 960);
                player.buffer.push(at * MS, seq, ts, &packet(seq, *fec));
            }
            player.pull(at);
        }
        let heard: Vec<u64> = player.heard.iter()
            .filter_map(|h| if let Heard::Packet(n) = h { Some(*n) } else { None })
            .collect();
        prop_assert!(heard.windows(2).all(|w| w[0] < w[1]), "{:?}", heard);
        let (stats, _) = player.buffer.stats();
        let unique = arrivals.len() as u64 - stats.packets_duplicated;
        prop_assert_eq!(heard.len() as u64 + stats.packets_late + stats.packets_discarded, unique);
        prop_assert_eq!(stats.restarts, 0);
    }
}
