//! Where the programs and files are that `make setup` brings.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::StackError;

/// The root of this workspace (the folder of the top `Cargo.toml`).
pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .components()
        .fold(PathBuf::new(), |mut path, part| {
            match part {
                std::path::Component::ParentDir => {
                    path.pop();
                }
                other => path.push(other),
            }
            path
        })
}

/// `libonnxruntime.so`, for the product's `ORT_DYLIB_PATH`-like setting.
///
/// # Errors
/// [`StackError::Missing`] before `make setup`.
pub fn onnxruntime_library() -> Result<PathBuf, StackError> {
    from_setup("onnx/libonnxruntime.so")
}

/// `silero_vad.onnx`, the voice activity model.
///
/// # Errors
/// [`StackError::Missing`] before `make setup`.
pub fn silero_model() -> Result<PathBuf, StackError> {
    from_setup("models/silero_vad.onnx")
}

/// A file under `target/tools`.
pub(super) fn from_setup(relative: &str) -> Result<PathBuf, StackError> {
    let path = workspace_root().join("target/tools").join(relative);
    path.is_file()
        .then_some(path)
        .ok_or_else(|| StackError::Missing {
            what: relative.to_owned(),
        })
}

/// A program on the search path.
pub(super) fn on_path(program: &str) -> Result<PathBuf, StackError> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| StackError::Missing {
            what: program.to_owned(),
        })
}

/// A Postgres program. Debian keeps server programs off the search path, one folder per major version: take the newest.
pub(super) fn postgres_program(program: &str) -> Result<PathBuf, StackError> {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = versions
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse::<u32>().ok()?,
                entry.path(),
            ))
        })
        .filter(|(_, folder)| folder.join("bin/initdb").is_file())
        .max_by_key(|(version, _)| *version);
    match newest
        .map(|(_, folder)| folder.join("bin").join(program))
        .filter(|path| path.is_file())
    {
        Some(path) => Ok(path),
        None => on_path(program),
    }
}
