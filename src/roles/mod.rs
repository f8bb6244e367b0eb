//! One file per role: builds its object graph and runs it.
