//! `neurality debug turn`: a timeline in, the turn machine's decisions out.

use std::path::PathBuf;

/// Arguments of `neurality debug turn`.
#[derive(Clone, Debug, clap::Args)]
pub struct TurnArgs {
    /// The input; `-` is standard input.
    pub file: PathBuf,
}

pub(super) fn run(args: &TurnArgs) -> anyhow::Result<()> {
    anyhow::bail!("{}: not built yet", args.file.display())
}
