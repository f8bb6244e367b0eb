//! Holds the import directions of the design, the purity of the cores and the length of files.
//!
//! The layers are modules of one package (docs/adr/0002-one-package.md), so the compiler does not hold them apart: this does.

mod scan;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use scan::{Reference, references};

/// Which modules of `src/` each may import, beside [`COMMON`]. Who is not listed may import no other.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("gateway", &["dispatch", "storage", "security"]),
    // The worker composes a call: it joins room and pipeline, opens the vendors and gives the model its tools.
    (
        "worker",
        &[
            "dispatch",
            "room",
            "pipeline",
            "providers",
            "tools",
            "storage",
        ],
    ),
    ("dispatch", &["storage"]),
    ("room", &["media"]),
    ("pipeline", &["providers", "tools", "media"]),
    ("providers", &["media"]),
    ("tools", &["storage"]),
    ("storage", &["security"]),
];

/// Everybody's, except for the [`PURE`] parts and for each other (in this order: a later one may import an earlier one).
const COMMON: &[&str] = &["domain", "config", "telemetry", "lifecycle"];

/// Closed sets of words that the catalogue of metrics takes as labels from where they belong.
const LABELS: &[&str] = &[
    "providers::Fault",
    "providers::Vendor",
    "tools::outcome::ToolStatus",
];

/// They wire the others together.
const COMPOSITION_ROOT: &[&str] = &["main", "lib", "cli", "roles"];

/// Parts with no I/O, and what they may import.
const PURE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("media", &["domain"]),
    (
        "pipeline::turn",
        &["domain", "config", "media", "providers::stt::Transcript"],
    ),
];

/// Crates that a pure part does not touch.
const IMPURE_CRATES: &[&str] = &[
    "tokio",
    "tokio_util",
    "sqlx",
    "redis",
    "deadpool_redis",
    "livekit",
    "livekit_api",
    "livekit_protocol",
    "reqwest",
    "axum",
];

const MOST_LINES: usize = 500;

#[test]
fn modules_import_downwards_only() {
    let sources = sources(&root().join("src"));
    assert!(sources.len() > 20, "src/ was not read: {sources:?}");
    let modules = top_modules(&sources);
    let complaints: Vec<String> = sources
        .iter()
        .flat_map(|source| complaints(source, &modules))
        .collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn no_source_file_is_long() {
    let folders = ["src", "tests", "loadtest", "crates"];
    let files: Vec<Source> = folders
        .iter()
        .flat_map(|folder| sources(&root().join(folder)))
        .collect();
    let long: Vec<String> = files
        .iter()
        .map(|source| (source.text.lines().count(), &source.path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, path)| format!("{} has {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "\n{}\n", long.join("\n"));
}

/// The official SDK runs over our `crates/libwebrtc`; an unused `[patch]` would only warn and bring Google's library back.
#[test]
fn webrtc_sys_is_not_in_the_tree() {
    let inverse_tree = |package: &str| {
        let cargo = env!("CARGO");
        let mut tree = Command::new(cargo);
        tree.args([
            "tree",
            "--offline",
            "--locked",
            "--workspace",
            "-i",
            package,
        ])
        .current_dir(root());
        tree.output().expect("cargo runs")
    };
    let livekit = inverse_tree("livekit");
    assert!(
        livekit.status.success(),
        "{}",
        String::from_utf8_lossy(&livekit.stderr)
    );
    let webrtc = inverse_tree("webrtc-sys");
    let said = String::from_utf8_lossy(&webrtc.stderr);
    assert!(
        !webrtc.status.success() && said.contains("did not match any packages"),
        "{said}"
    );
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock is committed");
    assert!(
        !lock.contains("name = \"webrtc-sys\""),
        "some platform still gets webrtc-sys"
    );
}

#[test]
fn the_checker_sees_a_forbidden_import_in_every_spelling() {
    let spellings = [
        "use crate::gateway::Server;",
        "use crate::{domain::CallId, gateway};",
        "use crate::{domain::{CallId, TenantId}, gateway::twilio::{self, Voice}};",
        "pub(crate) use crate::gateway as g;",
        "use super::super::super::gateway::Server;",
        "fn f() { crate::gateway::serve() }",
        "fn f() -> Option<crate::gateway::Server> { None }",
    ];
    for text in spellings {
        assert!(!check("storage/redis/keys.rs", text).is_empty(), "{text}");
    }
}

#[test]
fn the_checker_reads_neither_comments_nor_strings() {
    let text = r##"
        //! Called by [`crate::gateway`].
        /* crate::gateway /* nested crate::gateway */ */
        const NAME: &str = "use crate::gateway;\" crate::gateway";
        const RAW: &str = r#"use crate::gateway " crate::gateway"#;
        const QUOTE: char = '"'; const ESCAPED: char = '\''; fn borrow<'a>(x: &'a str) -> &'a str { x }
        use crate::security::Envelope;
    "##;
    assert!(check("storage/redis/keys.rs", text).is_empty());
    assert_eq!(
        check(
            "storage/redis/keys.rs",
            &format!("{text} use crate::gateway::X;")
        )
        .len(),
        1
    );
}

#[test]
fn the_checker_knows_who_may_import_what() {
    let allowed = [
        (
            "gateway/twilio/voice.rs",
            "use crate::{dispatch::admit, domain::E164, telemetry::metrics};",
        ),
        (
            "roles/worker.rs",
            "use crate::{gateway::A, worker::B, room::C};",
        ),
        ("main.rs", "use neurality::cli; use crate::gateway;"),
        (
            "pipeline/session.rs",
            "use super::turn::Turn; use crate::providers::stt; use tokio::time;",
        ),
        ("room/join.rs", "use livekit::prelude::*;"),
        (
            "config/worker.rs",
            "use super::livekit::LiveKitConfig; use crate::config::{livekit::X, secret};",
        ),
        (
            "lifecycle.rs",
            "mod tests { use super::*; use super::worker; }",
        ),
        (
            "pipeline/turn/mod.rs",
            "mod tests { use super::{Turn, machine}; } use self::machine::Turn;",
        ),
    ];
    for (path, text) in allowed {
        assert_eq!(check(path, text), Vec::<String>::new(), "{path}: {text}");
    }
    let forbidden = [
        ("pipeline/session.rs", "use crate::room::Track;"),
        ("room/join.rs", "use crate::pipeline::session;"),
        ("domain/ids.rs", "use crate::config::Secret;"),
        ("domain/ids.rs", "#[derive(sqlx::Type)] struct Id;"),
        ("media/playout.rs", "use tokio::time::Instant;"),
        (
            "pipeline/turn/machine.rs",
            "use crate::providers::stt::SpeechToText;",
        ),
        ("pipeline/turn/machine.rs", "#[tokio::test] async fn t() {}"),
        (
            "pipeline/turn/mod.rs",
            "mod tests { use super::Turn; } use super::speech;",
        ),
        ("config/worker.rs", "use crate::telemetry::metrics;"),
        ("worker/call.rs", "use livekit::Room;"),
        ("lifecycle.rs", "use super::worker::Slots;"),
        (
            "telemetry/labels.rs",
            "use crate::providers::{Vendor, stt};",
        ),
    ];
    for (path, text) in forbidden {
        assert_eq!(check(path, text).len(), 1, "{path}: {text}");
    }
}

/// A file of `src/`.
#[derive(Debug)]
struct Source {
    /// Relative to the folder that was searched.
    path: PathBuf,
    text: String,
}

/// Checks a made-up file against the modules that the rules name.
fn check(path: &str, text: &str) -> Vec<String> {
    let ruled = MAY_IMPORT
        .iter()
        .flat_map(|(module, imports)| [*module].into_iter().chain(imports.iter().copied()));
    let modules = ruled
        .chain(COMMON.iter().copied())
        .map(str::to_owned)
        .collect();
    complaints(
        &Source {
            path: path.into(),
            text: text.to_owned(),
        },
        &modules,
    )
}

/// What is wrong with the imports of one file.
fn complaints(source: &Source, modules: &BTreeSet<String>) -> Vec<String> {
    let own = module_path(&source.path);
    references(&source.text, &own)
        .iter()
        .filter_map(|reference| Some((reference, objection(&own, reference, modules)?)))
        .map(|(reference, why)| format!("src/{}:{}: {why}", source.path.display(), reference.line))
        .collect()
}

fn objection(own: &[String], reference: &Reference, modules: &BTreeSet<String>) -> Option<String> {
    let from = own.first().map_or("lib", String::as_str);
    let pure = PURE.iter().find(|(part, _)| is_in(own, part));
    if reference.is_external {
        let krate = reference.path.first()?.as_str();
        if krate == "livekit" && from != "room" && !COMPOSITION_ROOT.contains(&from) {
            return Some("only `room` imports the `livekit` SDK".to_owned());
        }
        let (part, _) = pure.filter(|_| IMPURE_CRATES.contains(&krate))?;
        return Some(format!("`{part}` does no I/O: no `{krate}` in it"));
    }
    let to = reference
        .path
        .first()
        .filter(|to| modules.contains(*to))?
        .as_str();
    if let Some((part, imports)) = pure {
        let allowed = is_in(&reference.path, part)
            || imports.iter().any(|import| is_in(&reference.path, import));
        return (!allowed)
            .then(|| format!("`{part}` may not import `{}`", reference.path.join("::")));
    }
    let is_label = from == "telemetry" && LABELS.contains(&reference.path.join("::").as_str());
    let allowed =
        to == from || is_label || COMPOSITION_ROOT.contains(&from) || may_import(from, to);
    (!allowed).then(|| format!("`{from}` may not import `{to}`"))
}

fn may_import(from: &str, to: &str) -> bool {
    let rank = |module: &str| COMMON.iter().position(|common| *common == module);
    match (rank(from), rank(to)) {
        (Some(from), Some(to)) => to < from,
        (None, Some(_)) => true,
        (_, None) => MAY_IMPORT
            .iter()
            .any(|(module, imports)| *module == from && imports.contains(&to)),
    }
}

/// Whether the module path lies in `part` (`a` or `a::b`).
fn is_in(path: &[String], part: &str) -> bool {
    let part: Vec<&str> = part.split("::").collect();
    path.len() >= part.len() && path.iter().zip(&part).all(|(own, wanted)| own == wanted)
}

/// `worker/agent.rs` is `worker::agent`; `worker/mod.rs` is `worker`; `lib.rs` is the empty path.
fn module_path(path: &Path) -> Vec<String> {
    let text = path.with_extension("");
    let mut parts: Vec<String> = text
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if parts
        .last()
        .is_some_and(|last| last == "mod" || (last == "lib" && parts.len() == 1))
    {
        parts.pop();
    }
    parts
}

fn top_modules(sources: &[Source]) -> BTreeSet<String> {
    sources
        .iter()
        .filter_map(|source| module_path(&source.path).into_iter().next())
        .collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files under `folder`.
fn sources(folder: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)
            .expect("a folder of the workspace")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                let path = path
                    .strip_prefix(folder)
                    .expect("it was found below")
                    .to_owned();
                found.push(Source { path, text });
            }
        }
    }
    found
}
