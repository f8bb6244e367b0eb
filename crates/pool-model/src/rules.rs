//! Which rules hold, and how large the world is.

/// The rules that keep a call in one pair of hands. A test takes them out one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Writes name their epoch, and Redis refuses that of an earlier owner.
    pub epoch_check: bool,
    /// Gateways take calls from workers without signs of life.
    pub lapse: bool,
    /// A gateway lets a lease lapse only after it stood still for longer than its worker may speak.
    pub lease_wait: bool,
    /// A claim wins only if nobody has the call.
    pub claim_cas: bool,
    /// A lease lapses only if its counter is still the one that was seen.
    pub lapse_cas: bool,
    /// A claim that is asked again raises the lease that it won.
    pub claim_raises: bool,
    /// The wait begins when Redis has answered, not when it was asked.
    pub wait_from_answer: bool,
    /// A worker that has sent a yield is silent until it knows that the yield can no longer take effect.
    pub silent_yield: bool,
    /// A worker removes older agents from the room before it speaks.
    pub evict: bool,
    /// What the room vouched for ends with the connection to it.
    pub vouch_ends: bool,
}

impl Rules {
    /// The product's.
    pub const ALL: Self = Self {
        epoch_check: true,
        lapse: true,
        lease_wait: true,
        claim_cas: true,
        lapse_cas: true,
        claim_raises: true,
        wait_from_answer: true,
        silent_yield: true,
        evict: true,
        vouch_ends: true,
    };

    /// Who does not own a call can change nothing of it.
    pub(crate) const fn fence(&self) -> bool {
        self.epoch_check && self.claim_cas
    }
}

/// How much there is of everything. Arrays have room for the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Calls of one tenant, up to 2.
    pub calls: u8,
    /// Up to 2.
    pub gateways: u8,
    /// Places for one call each, up to 3.
    pub workers: u8,
    /// Of workers, which stay dead, and of gateways, which start again without a memory.
    pub crashes: u8,
    /// Times that a worker loses Redis, or is frozen.
    pub partitions: u8,
    /// Messages under way at a time, up to 2.
    pub messages: u8,
    /// Everybody's messages may be late, not only those of a partitioned worker.
    pub anyone_is_late: bool,
    /// Gateways look at a lease as soon as it changes. A look that comes later only delays what a gateway may do, so every danger shows with prompt ones as well; with
    /// 2 calls there would be too many states otherwise.
    pub prompt_gateways: bool,
    /// There is a room that workers join, and that vouches for them where Redis does not.
    pub room: bool,
    /// Look only for calls with two owners: what goes wrong in the indexes before that is no news.
    pub only_owners: bool,
}

/// The largest number of calls.
pub const CALLS: usize = 2;
/// The largest number of gateways.
pub const GATEWAYS: usize = 2;
/// The largest number of workers.
pub const WORKERS: usize = 3;
/// The largest number of messages under way.
pub const MESSAGES: usize = 2;
