//! A call that dies on its pod.

use neurality::worker::guard::{give_back, give_up, guarded};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::{
    CallPhase, Claim, Duration, Epoch, JobMetadata, NextStep, PodId, Rig, now, quick, shared,
};

#[tokio::test]
async fn a_call_that_panics_ends_alone_and_its_caller_gets_the_fallback() {
    let rig = Rig::new(shared::livekit(), quick(20_000));
    let (dying, other) = (rig.claimed().await, rig.claimed().await);
    let rooms = rig.api_of_rooms();
    let tasks = TaskTracker::new();

    // Both stand where the worker's calls stand. The other one is in mid-call while this one dies.
    let (hang_up, hung_up) = oneshot::channel::<()>();
    let talk = guarded(
        &tasks,
        async {
            hung_up.await.expect("hangs up");
            Ok(())
        },
        give_back(&rig.store, other),
        give_up(&rig.store, &rooms, other),
    );
    let die = async {
        let died = guarded(
            &tasks,
            async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                panic!("a bug of this call's own")
            },
            give_back(&rig.store, dying),
            give_up(&rig.store, &rooms, dying),
        )
        .await;
        let status = rig.status(other).await;
        hang_up.send(()).expect("the other call still runs");
        (died, status)
    };
    let (talked, (died, meanwhile)) = tokio::join!(talk, die);

    assert_eq!(died, Err("agent failed"));
    assert_eq!(
        rig.status(dying).await,
        (CallPhase::Ended, Some(NextStep::Fallback), false),
        "the next step, and the end of the leg that makes Twilio ask for it"
    );
    assert_eq!(meanwhile, (CallPhase::Claimed, None, true));
    assert_eq!(talked, Ok(()));
    assert_eq!(rig.status(other).await, (CallPhase::Claimed, None, true));
    let held = rig.store.slots_in_use(rig.profile.id, now()).await;
    assert_eq!(held.expect("slots"), 1, "the dead call gave its place back");
}

impl Rig {
    /// A call that a pod has taken, with its room.
    async fn claimed(&self) -> JobMetadata {
        let (call, room) = self.admitted().await;
        self.until_room(&room, true).await;
        let (tenant, epoch) = (self.profile.id, Epoch::FIRST);
        let pod = PodId::new("pod");
        let claim = self
            .store
            .claim(tenant, call, epoch, &pod, "AJ_1", now())
            .await;
        assert!(matches!(claim, Ok(Claim::Won(_))), "{claim:?}");
        JobMetadata {
            tenant,
            call,
            epoch,
        }
    }

    /// Phase, next step, and whether the room is there.
    async fn status(&self, job: JobMetadata) -> (CallPhase, Option<NextStep>, bool) {
        let record = self.store.load(job.tenant, job.call).await;
        let record = record.expect("load").expect("record");
        let has_room = self.has_room(&record.room).await;
        (record.phase, record.next, has_room)
    }
}
