//! The scripts, each compiled in and known to Redis by its hash after the first run.

use std::sync::LazyLock;

use redis::Script;

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)+) => {$(
        $(#[$doc])*
        pub(super) static $name: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!($file)));
    )+};
}

scripts! {
    ADMIT = "lua/admit.lua";
    CLAIM = "lua/claim.lua";
    SET_PHASE = "lua/set_phase.lua";
    SET_NEXT = "lua/set_next.lua";
    GIVE_UP = "lua/give_up.lua";
    RELEASE = "lua/release.lua";
    RENEW_SLOT = "lua/renew_slot.lua";
    RESTORE = "lua/restore.lua";
    SAVE_SESSION = "lua/save_session.lua";
    RAISE_LEASE = "lua/raise_lease.lua";
    LEND_LEASE = "lua/lend_lease.lua";
    LAPSE = "lua/lapse.lua";
    OFFER = "lua/offer.lua";
    HAND_OVER = "lua/hand_over.lua";
    YIELD = "lua/yield.lua";
    SURVEY = "lua/survey.lua";
    ADOPT = "lua/adopt.lua";
    SETTLE = "lua/settle.lua";
    BRING_BACK = "lua/bring_back.lua";
}
