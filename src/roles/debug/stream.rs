//! `neurality debug stream`: a model's raw stream in, text, tool calls and end out.

use std::path::PathBuf;

/// Arguments of `neurality debug stream`.
#[derive(Clone, Debug, clap::Args)]
pub struct StreamArgs {
    /// The input; `-` is standard input.
    pub file: PathBuf,
}

pub(super) fn run(args: &StreamArgs) -> anyhow::Result<()> {
    anyhow::bail!("{}: not built yet", args.file.display())
}
