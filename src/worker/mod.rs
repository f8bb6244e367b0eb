//! The pod.
