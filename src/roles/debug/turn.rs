//! `neurality debug turn`: a timeline in, the turn machine's decisions out.

mod stage;
mod timeline;

use std::{
    fs,
    io::{Read as _, stdin},
    path::{Path, PathBuf},
};

use anyhow::Context;

use self::{stage::Stage, timeline::Timeline};

/// Arguments of `neurality debug turn`.
#[derive(Clone, Debug, clap::Args)]
pub struct TurnArgs {
    /// The timeline; `-` is standard input.
    pub file: PathBuf,
}

pub(super) fn run(args: &TurnArgs) -> anyhow::Result<()> {
    let yaml = read(&args.file)?;
    let lines = run_timeline(&yaml).with_context(|| args.file.display().to_string())?;
    lines.iter().for_each(|line| println!("{line}"));
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        let mut yaml = String::new();
        stdin()
            .read_to_string(&mut yaml)
            .context("read standard input")?;
        return Ok(yaml);
    }
    fs::read_to_string(file).with_context(|| format!("read {}", file.display()))
}

/// What the turn machine decides on a timeline, a JSON object each.
///
/// # Errors
/// It is no timeline; the place is named.
fn run_timeline(yaml: &str) -> anyhow::Result<Vec<String>> {
    let timeline = Timeline::parse(yaml)?;
    let seen = Stage::new(timeline).play();
    seen.iter()
        .map(|event| serde_json::to_string(event).context("write JSON"))
        .collect()
}

#[cfg(test)]
mod tests;
