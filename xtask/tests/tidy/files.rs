//! Rules for files, whatever is in them.

use serde_json::{Map, Value};

use crate::tree::{assert_none, files};

/// A file that is longer has a second noun in it.
const ENGINE_FILE_LINES_MAX: usize = 700;

/// Folders of one person's machine, and hosts that only some networks know.
const NEVER_MENTIONED: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("artif", "actory"),
];

#[test]
fn every_rust_file_says_what_it_is() {
    let silent: Vec<String> = files()
        .iter()
        .filter(|file| file.is_rust() && !file.text.starts_with("//! "))
        .map(|file| file.path.clone())
        .collect();
    assert_none("every .rs file opens with `//!` and what it is", &silent);
}

#[test]
fn files_of_the_crates_stay_short() {
    let long: Vec<String> = files()
        .iter()
        .filter(|file| file.is_rust() && file.is_in("crate"))
        .map(|file| (file.text.lines().count(), &file.path))
        .filter(|(count, _)| *count > ENGINE_FILE_LINES_MAX)
        .map(|(count, path)| format!("{path}: {count} lines"))
        .collect();
    assert_none("look for the second noun in files of more than 700 lines", &long);
}

#[test]
fn the_demo_imports_the_package_by_name_only() {
    let mut violations = Vec::new();
    for file in files().iter().filter(|file| file.is_in("demo")) {
        for (index, line) in file.text.lines().enumerate() {
            let imports = line.contains("import") || line.contains("from ") || line.contains("require(");
            let reaches_in =
                line.contains("/www/") || line.contains("plinthdb/dist") || line.contains("plinthdb/src");
            if imports && reaches_in {
                violations.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    assert_none("the demo is a user: it imports `plinthdb` by name", &violations);
}

#[test]
fn no_file_mentions_one_machine() {
    let mut violations = Vec::new();
    for file in files() {
        for (index, line) in file.text.lines().enumerate() {
            let found = NEVER_MENTIONED.iter().filter(|text| line.contains(**text));
            violations.extend(found.map(|text| format!("{}:{} mentions {text}", file.path, index + 1)));
        }
    }
    assert_none("the repository is for every machine", &violations);
}

#[test]
fn the_lock_file_names_no_registry() {
    let addresses: Vec<String> = locked_packages()
        .iter()
        .filter(|(_, package)| {
            package["resolved"]
                .as_str()
                .is_some_and(|address| address.contains("://"))
        })
        .map(|(name, _)| name.clone())
        .collect();
    assert_none(
        "npm takes packages from the registry of its user (.npmrc keeps addresses out)",
        &addresses,
    );
}

#[test]
fn the_lock_file_serves_every_platform() {
    let packages = locked_packages();
    let mut missing = Vec::new();
    for (name, package) in &packages {
        for optional in package["optionalDependencies"]
            .as_object()
            .into_iter()
            .flat_map(|map| map.keys())
        {
            let places = [
                format!("node_modules/{optional}"),
                format!("{name}/node_modules/{optional}"),
            ];
            if !places.iter().any(|place| packages.contains_key(place)) {
                missing.push(format!("{name} wants {optional}"));
            }
        }
    }
    assert_none(
        "a lock file made from one platform's node_modules forgets the others: remove both, install",
        &missing,
    );
}

fn locked_packages() -> Map<String, Value> {
    let files = files();
    let lock = files
        .iter()
        .find(|file| file.path == "package-lock.json")
        .expect("there is a package-lock.json");
    let lock: Value = serde_json::from_str(&lock.text).expect("package-lock.json is JSON");
    lock.get("packages")
        .and_then(Value::as_object)
        .expect("the lock file lists packages")
        .clone()
}
