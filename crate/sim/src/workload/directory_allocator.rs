//! FoundationDB's directory tests: directories are made by many peers at once; no prefix begins another one,
//! and a path has one prefix.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use plinth_core::client::{DirectoryLayer, DirectoryOptions};
use plinth_core::words::LocalFuture;

use super::{Client, Workload};
use crate::scenario::{Recorded, Stage};

const NAME: &str = "directory-allocator";
const SHARED: u64 = 4;

/// Prefixes by name.
#[derive(Default)]
pub(super) struct DirectoryAllocator {
    made: RefCell<BTreeMap<String, Vec<u8>>>,
}

fn layer() -> DirectoryLayer {
    DirectoryLayer::new(DirectoryOptions::default())
}

impl DirectoryAllocator {
    async fn make(&self, stage: &Rc<Stage>, name: String) {
        let path = name.clone();
        let crashes = stage.crashes();
        let body = async move |tn: &Recorded| {
            let made = layer().create_or_open(tn.raw(), &[path.as_str()], b"").await?;
            Ok(made.prefix().to_vec())
        };
        let (prefix, _) = stage.insist(NAME, body).await;
        // A relaxed one may be gone after the death of the machine, its prefix free again.
        if stage.crashes() != crashes {
            return;
        }
        let before = self.made.borrow_mut().insert(name.clone(), prefix.clone());
        let is_same = before.as_ref().is_none_or(|before| *before == prefix);
        stage.expect(is_same || crashes > 0, || {
            format!("directory {name} had prefix {before:?} and has {prefix:?}")
        });
    }
}

impl Workload for DirectoryAllocator {
    fn clients(&self) -> u64 {
        3
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            for step in 0..client.steps {
                client.pause(&stage).await;
                let name = match stage.world().one_in(3) {
                    true => format!("shared {}", stage.world().random_in(0..SHARED)),
                    false => format!("{} {step}", client.number),
                };
                self.make(&stage, name).await;
            }
        })
    }

    fn check(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(async move {
            let list = async |tn: &Recorded| {
                let names = layer().list(tn.raw(), &[] as &[&str]).await?;
                let mut prefixes = Vec::new();
                for name in names {
                    let directory = layer().open(tn.raw(), &[name.as_str()], b"").await?;
                    prefixes.push(directory.prefix().to_vec());
                }
                Ok(prefixes)
            };
            let (mut prefixes, _) = stage.insist(NAME, list).await;
            prefixes.sort();
            let pairs = prefixes.iter().zip(prefixes.iter().skip(1));
            for (one, other) in pairs {
                stage.expect(!other.starts_with(one), || {
                    format!("prefix {one:?} begins prefix {other:?}")
                });
            }
        })
    }
}
