//! The point of it all: nothing of Google's C++ library is in the tree.

use std::process::Command;

#[test]
fn webrtc_sys_is_not_in_the_tree() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "--locked",
            "--workspace",
            "--edges",
            "all",
            "--prefix",
            "none",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
    assert!(
        tree.contains("libwebrtc v0.3.55"),
        "the tree could not be read:\n{tree}"
    );
    for foreign in ["webrtc-sys", "webrtc-sys-build", "yuv-sys", "cxx "] {
        let found = tree.lines().find(|line| line.starts_with(foreign));
        assert_eq!(found, None);
    }
}
