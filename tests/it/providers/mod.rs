//! Every vendor's client: the contract against the simulators, and answers that only a scripted vendor gives.

mod contract;
mod llm;
mod llm_faults;
mod stt;
mod tts;
mod vendor;
