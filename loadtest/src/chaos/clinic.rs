//! A clinic with room for everybody who calls during a chaos run.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_yaml_ng::Value;

use crate::stack::workspace_root;

/// Practitioners who do nothing but cleanings, at all hours.
const HYGIENISTS: usize = 40;

/// Writes Maple Dental with many hygienists to `folder`; returns the file.
///
/// # Errors
/// The seeded clinic cannot be read, or the file cannot be written.
pub(super) fn write(folder: &Path) -> anyhow::Result<PathBuf> {
    let seeded = workspace_root().join("loadtest/tenants/maple-dental.yaml");
    let text =
        std::fs::read_to_string(&seeded).with_context(|| format!("read {}", seeded.display()))?;
    let mut clinic: Value = serde_yaml_ng::from_str(&text).context("read the seeded clinic")?;
    clinic["max_concurrent_calls"] = 1_000.into();
    clinic["max_calls_per_minute"] = 6_000.into();
    let practitioners = clinic["practitioners"]
        .as_sequence_mut()
        .context("the seeded clinic has no practitioners")?;
    for number in 0..HYGIENISTS {
        practitioners.push(hygienist(number)?);
    }
    let path = folder.join("chaos-clinic.yaml");
    std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    std::fs::write(&path, serde_yaml_ng::to_string(&clinic)?)
        .with_context(|| format!("write {}", path.display()))?;
    Ok(path)
}

fn hygienist(number: usize) -> anyhow::Result<Value> {
    // A name that the agent can say: "Robin B. Avery".
    let (first, last) = (number / 26, number % 26);
    let name = format!(
        "{} {}. Avery",
        ["Robin", "Morgan"][first % 2],
        char::from(b'A' + last as u8)
    );
    let text = format!(
        "{{name: {name}, location: Maple Street, procedures: [D1110], \
           hours: [{{days: [mon, tue, wed, thu, fri], opens: '08:00', closes: '18:00'}}]}}"
    );
    Ok(serde_yaml_ng::from_str(&text)?)
}
