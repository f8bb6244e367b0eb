use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, advance, timeout};

use super::*;

const TEN_MS: usize = 160;

fn queue(queue_size_ms: u32) -> (Arc<PcmQueue>, u64) {
    let queue = Arc::new(PcmQueue::new(TEN_MS, queue_size_ms));
    let reader = queue.new_reader();
    (queue, reader)
}

#[tokio::test(start_paused = true)]
async fn samples_come_out_in_order_in_blocks() {
    let (queue, reader) = queue(100);
    let pcm: Vec<i16> = (0..320).collect();
    queue.write(&pcm).await;
    let mut out = Vec::new();
    assert!(queue.take_10ms(reader, &mut out));
    assert_eq!(out, pcm[..160]);
    assert!(queue.take_10ms(reader, &mut out));
    assert_eq!(out, pcm[160..]);
    assert!(!queue.take_10ms(reader, &mut out));
}

#[tokio::test(start_paused = true)]
async fn a_writer_waits_until_no_more_than_the_queue_size_is_left() {
    let (queue, reader) = queue(50);
    let writer = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.write(&[1; 30 * TEN_MS]).await }
    });
    let mut out = Vec::new();
    let mut taken = 0;
    while !writer.is_finished() {
        taken += usize::from(queue.take_10ms(reader, &mut out));
        advance(Duration::from_millis(10)).await;
        assert!(taken <= 25, "the writer should have been released");
    }
    assert!((24..=25).contains(&taken), "{taken}");
}

#[tokio::test(start_paused = true)]
async fn clearing_frees_the_writer_and_drops_the_sound() {
    let (queue, reader) = queue(50);
    let writer = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.write(&[1; 10 * TEN_MS]).await }
    });
    tokio::task::yield_now().await;
    queue.clear();
    let mut out = Vec::new();
    assert!(!queue.take_10ms(reader, &mut out) || !writer.is_finished());
    timeout(Duration::from_millis(100), writer)
        .await
        .expect("freed")
        .expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn without_a_reader_sound_passes_at_its_own_pace() {
    let (queue, _) = queue(100);
    let start = Instant::now();
    queue.write(&[1; 200 * TEN_MS]).await;
    let took = start.elapsed().as_millis();
    assert!(
        (1_700..=2_100).contains(&took),
        "2 s of sound took {took} ms"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_the_oldest_sound_is_dropped_and_counted() {
    let (queue, reader) = queue(0);
    for n in 0..10 {
        queue.write(&[n; TEN_MS]).await;
    }
    assert_eq!(queue.dropped_blocks(), 4);
    let mut out = Vec::new();
    assert!(queue.take_10ms(reader, &mut out));
    assert_eq!(out[0], 4);
}

#[tokio::test(start_paused = true)]
async fn a_rest_is_padded_when_nothing_follows() {
    let (queue, reader) = queue(100);
    queue.write(&[7; 100]).await;
    let mut out = Vec::new();
    assert!(!queue.take_10ms(reader, &mut out));
    assert!(!queue.take_10ms(reader, &mut out));
    assert!(queue.take_10ms(reader, &mut out));
    assert_eq!((out.len(), out[99], out[100]), (TEN_MS, 7, 0));
}

#[tokio::test(start_paused = true)]
async fn only_the_newest_reader_gets_sound() {
    let (queue, old) = queue(100);
    let new = queue.new_reader();
    queue.write(&[1; TEN_MS]).await;
    let mut out = Vec::new();
    assert!(!queue.take_10ms(old, &mut out));
    assert!(queue.take_10ms(new, &mut out));
}
