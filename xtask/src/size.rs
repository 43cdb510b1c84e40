//! What the engine's wasm is made of: the bytes of its functions by the module that they come from, and the largest
//! ones. Read from what the compiler made, before the optimizer, which drops the names.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef};

use crate::bindings;
use crate::toolchain::WasmToolchain;

/// Printed of each list.
const LINES: usize = 40;

/// Path segments by which functions are grouped.
const SEGMENTS: usize = 3;

/// Compiles the engine and prints its sizes.
pub(crate) fn run() -> Result<()> {
    let compiled = bindings::compile_engine(WasmToolchain::prepare()?)?;
    let bytes = fs::read(&compiled)?;
    let functions = functions(&bytes).context("the compiled wasm can't be read")?;
    let mut groups: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (name, bytes) in &functions {
        let (sum, count) = groups.entry(group(name)).or_default();
        *sum += bytes;
        *count += 1;
    }
    let total: usize = functions.iter().map(|(_, bytes)| bytes).sum();
    println!(
        "{total} bytes of code in {} functions, before wasm-opt\n",
        functions.len()
    );
    let by_size = |lines: Vec<(usize, String)>| {
        let mut lines = lines;
        lines.sort_by(|one, other| other.cmp(one));
        for (bytes, line) in lines.iter().take(LINES) {
            println!("{bytes:8} {line}");
        }
    };
    by_size(
        groups
            .into_iter()
            .map(|(group, (bytes, count))| (bytes, format!("{count:5}  {group}")))
            .collect(),
    );
    println!();
    by_size(functions.into_iter().map(|(name, bytes)| (bytes, name)).collect());
    Ok(())
}

/// Every function of a module with its name and the bytes of its body.
fn functions(wasm: &[u8]) -> Result<Vec<(String, usize)>> {
    let (mut imported, mut sizes, mut names) = (0, Vec::new(), BTreeMap::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => sizes.push(body.range().len()),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(subsections) = section.as_known() {
                    for subsection in subsections {
                        if let Name::Function(named) = subsection? {
                            for naming in named {
                                let naming = naming?;
                                names.insert(naming.index, without_hashes(naming.name));
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }
    let nameless = || "(no name)".to_owned();
    Ok((imported..)
        .zip(sizes)
        .map(|(index, bytes)| (names.get(&index).cloned().unwrap_or_else(nameless), bytes))
        .collect())
}

/// A name without the hashes that tell two compilations of one function apart.
fn without_hashes(name: &str) -> String {
    let is_hash = |part: &str| part.len() == 17 && part.starts_with('h');
    let path = match name.rsplit_once("::") {
        Some((path, last)) if is_hash(last) => path,
        _ => name,
    };
    let mut plain = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        let hex = after.split_once(']').filter(|(hex, _)| hex.len() == 16);
        rest = match hex {
            Some((_, after)) => after,
            None => {
                plain.push('[');
                after
            }
        };
    }
    plain.push_str(rest);
    plain
}

/// The module that a function is counted to: the first path in its name, cut.
fn group(name: &str) -> String {
    let is_path = |character: char| character.is_ascii_alphanumeric() || "_:".contains(character);
    let path = name
        .split(|character| !is_path(character))
        .find(|part| part.contains("::"))
        .unwrap_or(name);
    let segments: Vec<&str> = path.split("::").filter(|segment| !segment.is_empty()).collect();
    segments.into_iter().take(SEGMENTS).collect::<Vec<_>>().join("::")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_counted_to_the_module_that_their_name_begins_with() {
        for (name, expected) in [
            (
                "plinth_core::pure::page::Page::decode::h0123456789abcdef",
                "plinth_core::pure::page",
            ),
            (
                "<alloc[0123456789abcdef]::vec::Vec<u8> as core::fmt::Debug>::fmt",
                "alloc::vec::Vec",
            ),
            ("main", "main"),
        ] {
            assert_eq!(group(&without_hashes(name)), expected);
        }
    }
}
