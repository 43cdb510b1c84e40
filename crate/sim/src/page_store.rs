//! A store of pages of which some are in memory: for tests of what is pure over pages.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use fastrand::Rng;
use plinth_core::pure::{
    BoundedChild, Changes, Child, Found, Page, PageOptions, PageSource, Progress, Stop, Tree, TreeUpdate,
    check_node,
};
use plinth_core::words::PageId;

/// Pages that are stored, and those of them that are here.
#[derive(Default)]
pub struct PageStore {
    /// Every page.
    pub stored: RefCell<BTreeMap<PageId, Vec<u8>>>,
    here: RefCell<BTreeMap<PageId, Rc<Page>>>,
    /// Pages that were fetched.
    pub fetched: Cell<usize>,
    /// How often pages were fetched.
    pub rounds: Cell<usize>,
}

impl PageSource for PageStore {
    fn page(&self, id: PageId) -> Option<Rc<Page>> {
        self.here.borrow().get(&id).cloned()
    }
}

impl PageStore {
    /// Calls `compute` until nothing is missing.
    ///
    /// # Panics
    /// When it fails, or asks for pages that it has or that do not exist.
    pub fn run<T>(&self, mut compute: impl FnMut() -> Found<T>) -> T {
        loop {
            match compute() {
                Ok(value) => return value,
                Err(Stop::Missing(ids)) => self.fetch(&ids),
                Err(Stop::Failed(error)) => panic!("{error}"),
            }
        }
    }

    fn fetch(&self, ids: &[PageId]) {
        let distinct: BTreeSet<&PageId> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "no page is asked for twice");
        let is_missing = ids.first().is_some_and(|&first| self.page(first).is_none());
        assert!(is_missing, "the first page is really missing");
        self.rounds.set(self.rounds.get() + 1);
        for &id in ids {
            self.here.borrow_mut().insert(id, Rc::new(self.decoded(id)));
            self.fetched.set(self.fetched.get() + 1);
        }
    }

    fn decoded(&self, id: PageId) -> Page {
        let bytes = self.stored.borrow().get(&id).cloned();
        let bytes = bytes.unwrap_or_else(|| panic!("page {id} is not stored"));
        Page::decode(id, bytes).expect("what was encoded can be decoded")
    }

    /// Forgets a random half of what is here.
    pub fn evict_some(&self, rng: &mut Rng) {
        self.here.borrow_mut().retain(|_, _| rng.bool());
    }

    /// Forgets everything that is here.
    pub fn evict_all(&self) {
        self.here.borrow_mut().clear();
    }

    /// Makes the next tree and takes away the pages that it does without.
    ///
    /// # Panics
    /// When a page is written twice, or superseded twice, or as a new one.
    pub fn update(
        &self,
        tree: Tree,
        next_page: &mut PageId,
        changes: &dyn Changes,
        options: PageOptions,
    ) -> Tree {
        let mut update = TreeUpdate::new(tree, *next_page, options);
        let mut superseded = Vec::new();
        loop {
            let progress = self.run(|| update.step(self, changes));
            let output = update.take_output();
            for (id, bytes) in output.written {
                assert!(id >= *next_page && id < update.next_page());
                let before = self.stored.borrow_mut().insert(id, bytes);
                assert!(before.is_none(), "page {id} is written once");
            }
            superseded.extend(output.replaced);
            for node in output.dropped {
                superseded.extend(self.walk(Some(node)));
            }
            if let Progress::Done(tree) = progress {
                for id in superseded {
                    assert!(id < *next_page, "new pages are not superseded");
                    self.here.borrow_mut().remove(&id);
                    let removed = self.stored.borrow_mut().remove(&id);
                    assert!(removed.is_some(), "page {id} is superseded once");
                }
                *next_page = update.next_page();
                return tree;
            }
        }
    }

    /// Every page of a tree, checked on the way.
    ///
    /// # Panics
    /// When a page is damaged or reached twice.
    pub fn walk(&self, root: Option<Child>) -> BTreeSet<PageId> {
        let mut reached = BTreeSet::new();
        let whole = |node| BoundedChild {
            node,
            low: [].as_slice().into(),
            high: None,
        };
        let mut open: Vec<BoundedChild> = root.map(whole).into_iter().collect();
        while let Some(next) = open.pop() {
            let id = next.node.page;
            assert!(reached.insert(id), "page {id} is reached once");
            let contents = check_node(&self.decoded(id), &next).expect("it is where it belongs");
            open.extend(contents.children);
            for chunked in contents.chunked {
                reached.extend(chunked.pages());
            }
        }
        reached
    }
}
