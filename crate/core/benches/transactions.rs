//! What the engine costs, without a browser: reads, writes and commits of a database in memory.
//!
//! `cargo bench -p plinth-core`; a word after `--` picks benchmarks by name.

#![allow(missing_docs, reason = "the harness makes public functions without any")]

mod support;

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use plinth_core::pure::{ConflictSet, WrittenKeys};
use plinth_core::words::{KeyRange, KeySelector, RangeOptions, StreamingMode, Version};
use support::{Bench, key};

const ROWS: u32 = 100_000;
/// A step that visits the rows out of order; it and the number of rows have no common divisor.
const STRIDE: u32 = 38_197;

fn next(number: &mut u32) -> u32 {
    *number = (*number + STRIDE) % ROWS;
    *number
}

fn point_reads(criterion: &mut Criterion) {
    let (bench, mut number) = (Bench::with_rows(ROWS), 0);
    let mut group = criterion.benchmark_group("get");
    let transaction = bench.begin();
    group.bench_function("of one transaction, snapshot", |bencher| {
        bencher.iter(|| bench.run(transaction.get(black_box(&key(next(&mut number))), true)));
    });
    group.bench_function("and a transaction for it", |bencher| {
        bencher.iter(|| bench.run(bench.begin().get(black_box(&key(next(&mut number))), false)));
    });
    group.finish();
}

fn range_reads(criterion: &mut Criterion) {
    let (bench, mut number) = (Bench::with_rows(ROWS), 0);
    let mut group = criterion.benchmark_group("get_range");
    for limit in [10, 1_000] {
        let options = RangeOptions {
            limit,
            mode: StreamingMode::Exact,
            ..RangeOptions::default()
        };
        let end = KeySelector::first_greater_or_equal(b"row0".as_slice());
        group.throughput(Throughput::Elements(limit as u64));
        group.bench_function(BenchmarkId::new("rows", limit), |bencher| {
            bencher.iter(|| {
                let begin = key(next(&mut number) % (ROWS - 1_000));
                let begin = KeySelector::first_greater_or_equal(begin);
                let rows = bench.run(bench.begin().get_range(&begin, &end, options));
                assert_eq!(rows.map(|rows| rows.rows.len()), Ok(limit));
            });
        });
    }
    group.finish();
}

fn sets(criterion: &mut Criterion) {
    let (bench, mut number) = (Bench::new(), 0);
    let mut group = criterion.benchmark_group("set");
    for count in [1, 1_000] {
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::new("keys", count), |bencher| {
            bencher.iter_batched(
                || bench.begin(),
                |transaction| {
                    for _ in 0..count {
                        let key = key(next(&mut number));
                        transaction.set(black_box(&key), &[7; 16]).expect("legal");
                    }
                    transaction
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn commits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit");
    for count in [1, 10, 1_000] {
        let (bench, mut number) = (Bench::new(), 0);
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::new("keys", count), |bencher| {
            bencher.iter_batched(
                || {
                    let transaction = bench.begin();
                    for _ in 0..count {
                        let key = key(next(&mut number));
                        transaction.set(&key, &[7; 16]).expect("legal");
                    }
                    transaction
                },
                |transaction| bench.commit(&transaction),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn conflict_checks(criterion: &mut Criterion) {
    const RANGES: u32 = 10_000;
    let mut history = ConflictSet::new();
    for number in 0..RANGES {
        let begin = key((number * STRIDE) % ROWS);
        let end = [begin.as_slice(), b"\0"].concat();
        let written = WrittenKeys::range(KeyRange::new(begin, end));
        let version = Version::ZERO.plus(u64::from(number) + 1);
        history.insert([written].into_iter(), version);
    }
    let newest = Version::ZERO.plus(u64::from(RANGES));
    let (mut number, mut group) = (0, criterion.benchmark_group("conflict"));
    group.bench_function("of one key with 10,000 ranges, none since", |bencher| {
        bencher.iter(|| {
            let range = KeyRange::of_key(key(next(&mut number)).into());
            black_box(history.is_written_after(&range, newest))
        });
    });
    group.bench_function("of one key with 10,000 ranges, all since", |bencher| {
        bencher.iter(|| {
            let range = KeyRange::of_key(key(next(&mut number)).into());
            black_box(history.is_written_after(&range, Version::ZERO))
        });
    });
    group.bench_function("of a hundredth of the keys with 10,000 ranges", |bencher| {
        bencher.iter(|| {
            let begin = next(&mut number) % (ROWS - ROWS / 100);
            let range = KeyRange::new(key(begin), key(begin + ROWS / 100));
            black_box(history.is_written_after(&range, Version::ZERO.plus(u64::from(RANGES) / 2)))
        });
    });
    group.finish();
}

criterion_group!(benches, point_reads, range_reads, sets, commits, conflict_checks);
criterion_main!(benches);
