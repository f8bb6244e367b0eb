//! The product's commands, run to their end.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

/// A program of the product, built beside this one.
///
/// # Errors
/// It was not built.
pub(super) fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("find this program")?;
    let path = own.with_file_name(name);
    if !path.is_file() {
        bail!("{} is missing: run `make build`", path.display());
    }
    Ok(path)
}

/// Runs `neurality` with a configuration file; gives what it printed.
///
/// # Errors
/// It failed; the text is what it said.
pub(super) fn neurality(
    program: &Path,
    config: &Path,
    arguments: &[&str],
) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(["--config".as_ref(), config.as_os_str()])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("run {}", program.display()))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!(
            "neurality {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&said).trim()
        );
    }
    String::from_utf8(output.stdout).context("read the output")
}
