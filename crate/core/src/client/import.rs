//! An import: what an export's frames say, done in many transactions of bounded size.
//!
//! Each frame is checked and then committed, before the next one is read: memory is bounded by a frame.
//! Everything that an import does can be done twice, so a commit whose fate is unknown is simply retried.

use std::rc::Rc;

use super::database::Database;
use super::options::TransactionOptions;
use super::transaction::Transaction;
use crate::pure::{ExportFrame, ExportReader};
use crate::storage::Storage;
use crate::words::{
    Error, ErrorCode, KEY_SPACE_END, KeyRange, KeySelector, Mutation, RangeOptions, Result, Version,
    display_key,
};

/// What becomes of the keys that the database has in the exported range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImportMode {
    /// There must be none.
    #[default]
    Empty,
    /// They are cleared first.
    Replace,
    /// They stay, unless the export sets them, or has them cleared because they were while it was made.
    Merge,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportProgress {
    /// Bytes of the export that are committed.
    pub bytes: u64,
    /// Keys that were set. One that changed while the export was made counts again.
    pub rows: u64,
    /// The version of the exported database, once the end was read.
    pub version: Option<Version>,
}

/// An import under way. Dropping it leaves what was committed.
pub struct Import<S: Storage> {
    database: Database<S>,
    mode: ImportMode,
    options: TransactionOptions,
    reader: ExportReader,
    /// Cleared, or found empty, by the transaction that writes first.
    untouched: Option<KeyRange>,
    progress: ImportProgress,
}

impl<S: Storage> Import<S> {
    pub(super) fn new(database: Database<S>, mode: ImportMode, options: TransactionOptions) -> Import<S> {
        Import {
            database,
            mode,
            options,
            reader: ExportReader::new(),
            untouched: None,
            progress: ImportProgress::default(),
        }
    }

    /// Takes the next bytes of the export and commits what is complete.
    ///
    /// # Errors
    /// Those of [`ExportReader::next_frame`]; `restore_destination_not_empty`; those of committing. What was
    /// committed before stays.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<ImportProgress> {
        self.reader.push(bytes);
        while let Some(frame) = self.reader.next_frame()? {
            match frame {
                ExportFrame::Begin { range, .. } => {
                    self.check_range(&range)?;
                    self.untouched = Some(range);
                    // At once, so that it is known before the whole export was read.
                    self.commit(&[]).await?;
                }
                ExportFrame::Changes(changes) => self.commit(&changes).await?,
                ExportFrame::End { version } => self.progress.version = Some(version),
            }
            self.progress.bytes = self.reader.offset();
            self.progress.rows = self.reader.totals().rows;
        }
        Ok(self.progress)
    }

    /// The export ends here.
    ///
    /// # Errors
    /// `restore_missing_data` if it is not complete.
    pub fn finish(&self) -> Result<ImportProgress> {
        self.reader.finish()?;
        Ok(self.progress)
    }

    fn check_range(&self, range: &KeyRange) -> Result<()> {
        if range.is_empty() || &*range.end > KEY_SPACE_END {
            let (begin, end) = (display_key(&range.begin), display_key(&range.end));
            let detail = format!("export: a range of keys below \\xff was expected, found {begin} .. {end}");
            return Err(Error::new(ErrorCode::RestoreCorruptedData, detail));
        }
        Ok(())
    }

    async fn commit(&mut self, changes: &[Mutation]) -> Result<()> {
        let (mode, untouched) = (self.mode, self.untouched.take());
        self.database
            .run(self.options, async |transaction| {
                if let Some(range) = &untouched {
                    prepare(transaction, mode, range).await?;
                }
                changes.iter().try_for_each(|change| write(transaction, change))
            })
            .await
    }
}

/// Makes the range ready for being imported into.
async fn prepare<S: Storage>(
    transaction: &Rc<Transaction<S>>,
    mode: ImportMode,
    range: &KeyRange,
) -> Result<()> {
    match mode {
        ImportMode::Merge => Ok(()),
        ImportMode::Replace => transaction.clear_range(&range.begin, &range.end),
        ImportMode::Empty => {
            let begin = KeySelector::first_greater_or_equal(range.begin.clone());
            let end = KeySelector::first_greater_or_equal(range.end.clone());
            let options = RangeOptions {
                limit: 1,
                ..RangeOptions::default()
            };
            let found = transaction.get_range(&begin, &end, options).await?;
            let Some((key, _)) = found.rows.first() else {
                return Ok(());
            };
            let (begin, end, key) = (
                display_key(&range.begin),
                display_key(&range.end),
                display_key(key),
            );
            let detail = format!("no key from {begin} to {end} was expected, found {key}");
            Err(Error::new(ErrorCode::RestoreDestinationNotEmpty, detail))
        }
    }
}

fn write<S: Storage>(transaction: &Transaction<S>, change: &Mutation) -> Result<()> {
    match change {
        Mutation::Set(key, value) => transaction.set(key, value),
        Mutation::ClearRange(range) => transaction.clear_range(&range.begin, &range.end),
        Mutation::Atomic(op, key, operand) => transaction.atomic(*op, key, operand),
    }
}
