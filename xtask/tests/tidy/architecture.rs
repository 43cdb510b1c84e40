//! The arrows of ARCHITECTURE.md: which crate may use which, and which layer of the engine may use which.

use std::env;
use std::process::Command;

use serde_json::Value;

use crate::source_path::own_crate_paths;
use crate::token::{Token, tokens};
use crate::tree::{assert_none, files, root};

/// The layers of `crate/core/src`, lowest first. A layer may use itself and those before it.
const LAYERS: [&str; 5] = ["words", "pure", "storage", "engine", "client"];

/// Each crate with the crates of this workspace that it may use; all kinds of dependency count.
const CRATE_ARROWS: [(&str, &[&str]); 5] = [
    ("plinth-core", &[]),
    ("plinth-sim", &["plinth-core"]),
    ("plinth-sim-wasm", &["plinth-core", "plinth-sim"]),
    ("plinth-wasm", &["plinth-core"]),
    // For its tests, which compare generated sources with the engine.
    ("xtask", &["plinth-core"]),
];

/// The crates that know JavaScript; only `plinth-wasm` and `plinth-sim-wasm` may use them.
const BROWSER_CRATES: [&str; 8] = [
    "console_error_panic_hook",
    "js-sys",
    "rexie",
    "serde-wasm-bindgen",
    "wasm-bindgen",
    "wasm-bindgen-futures",
    "wasm-bindgen-test",
    "web-sys",
];

/// The engine knows no clock, no threads and no chance; they come in by its environment.
const FOREIGN_TO_THE_ENGINE: [&str; 5] = ["Instant", "SystemTime", "thread", "rand", "getrandom"];

#[test]
fn crates_use_each_other_in_one_direction() {
    let packages = packages();
    let mut violations = Vec::new();
    for (name, dependencies) in &packages {
        let Some((_, allowed)) = CRATE_ARROWS.iter().find(|(own, _)| own == name) else {
            violations.push(format!("{name} has no entry in CRATE_ARROWS"));
            continue;
        };
        for dependency in dependencies {
            let is_ours = packages.iter().any(|(other, _)| other == dependency);
            if is_ours && !allowed.contains(&dependency.as_str()) {
                violations.push(format!("{name} uses {dependency}"));
            }
        }
    }
    assert_none(
        "crates point one way: core <- sim <- sim-wasm, core <- wasm",
        &violations,
    );
}

#[test]
fn only_the_wasm_crates_know_javascript() {
    let mut violations = Vec::new();
    for (name, dependencies) in packages() {
        let foreign = dependencies
            .iter()
            .filter(|dependency| BROWSER_CRATES.contains(&dependency.as_str()));
        if name != "plinth-wasm" && name != "plinth-sim-wasm" {
            violations.extend(foreign.map(|dependency| format!("{name} depends on {dependency}")));
        }
    }
    let words: Vec<String> = BROWSER_CRATES.iter().map(|name| name.replace('-', "_")).collect();
    for file in files()
        .iter()
        .filter(|file| file.is_rust() && file.is_in("crate"))
        .filter(|file| !file.is_in("crate/wasm") && !file.is_in("crate/sim-wasm"))
    {
        let named = words
            .iter()
            .filter(|word| tokens(&file.text).iter().any(|token| token.is_word(word)));
        violations.extend(named.map(|word| format!("{} names {word}", file.path)));
    }
    assert_none("only crate/wasm and crate/sim-wasm know JavaScript", &violations);
}

#[test]
fn the_engine_knows_no_clock_no_threads_no_chance() {
    let mut violations = Vec::new();
    for file in files()
        .iter()
        .filter(|file| file.is_rust() && file.is_in("crate/core/src"))
    {
        for word in FOREIGN_TO_THE_ENGINE {
            if tokens(&file.text).iter().any(|token| token.is_word(word)) {
                violations.push(format!("{} names {word}", file.path));
            }
        }
    }
    assert_none(
        "time, threads and randomness come into the engine by its Env only",
        &violations,
    );
}

#[test]
fn layers_of_the_engine_use_only_those_below() {
    let mut violations = Vec::new();
    let mut layers_seen = Vec::new();
    for file in files()
        .iter()
        .filter(|file| file.is_rust() && file.is_in("crate/core/src"))
    {
        let module = module_of(&file.path);
        let Some(layer) = module.first() else {
            continue;
        };
        let Some(height) = LAYERS.iter().position(|own| own == layer) else {
            violations.push(format!(
                "{} is in none of the layers {}",
                file.path,
                LAYERS.join(" <- ")
            ));
            continue;
        };
        layers_seen.push(height);
        for path in own_crate_paths(&file.text, &module) {
            let Some(target) = path.first() else {
                continue;
            };
            match LAYERS.iter().position(|own| own == target) {
                Some(target_height) if target_height <= height => {}
                Some(_) => violations.push(format!("{}: {layer} uses crate::{}", file.path, path.join("::"))),
                None => violations.push(format!(
                    "{}: crate::{} names no layer; what lib.rs re-exports is for other crates",
                    file.path,
                    path.join("::")
                )),
            }
        }
    }
    assert_none(
        "layers point one way: words <- pure <- storage <- engine <- client",
        &violations,
    );
    for (height, layer) in LAYERS.iter().enumerate() {
        assert!(
            layers_seen.contains(&height),
            "no file of the layer {layer} was found: has it been renamed?"
        );
    }
}

#[test]
fn lib_rs_of_the_engine_only_declares_and_re_exports() {
    let files = files();
    let lib = files
        .iter()
        .find(|file| file.path == "crate/core/src/lib.rs")
        .expect("the engine has a lib.rs");
    let items = ["fn", "struct", "enum", "trait", "impl", "static", "const"];
    let tokens = tokens(&lib.text);
    let found: Vec<String> = items
        .iter()
        .filter(|item| tokens.contains(&Token::Word((**item).to_owned())))
        .map(|item| format!("crate/core/src/lib.rs has a `{item}`"))
        .collect();
    assert_none("code belongs into a layer", &found);
}

/// `crate/core/src/engine/peer.rs` is the module `engine::peer`.
fn module_of(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("crate/core/src/").trim_end_matches(".rs");
    inner
        .split('/')
        .filter(|part| *part != "mod" && *part != "lib")
        .map(str::to_owned)
        .collect()
}

/// The packages of this workspace, each with the names of all it depends on.
fn packages() -> Vec<(String, Vec<String>)> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo describes the workspace");
    assert!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON");
    let list = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let name = |value: &Value| {
        value
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let packages = list(&metadata, "packages");
    assert!(
        packages.len() >= 4,
        "cargo metadata lists {} packages",
        packages.len()
    );
    packages
        .iter()
        .map(|package| {
            (
                name(package),
                list(package, "dependencies").iter().map(name).collect(),
            )
        })
        .collect()
}
