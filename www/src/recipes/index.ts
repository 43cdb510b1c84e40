/**
 * Recipes: the data structures of FoundationDB's manual, over the public API and nothing else. Each is a file
 * to be read, used or copied.
 *
 * A recipe keeps its keys in one place, a subspace or the content of a directory, which nothing else
 * writes to. Its calls take the transaction, so several recipes and keys of one's own can change together;
 * what needs many transactions takes the database. In one transaction, calls that change the same thing are
 * to be awaited one after the other.
 *
 * @module plinthdb/recipes
 */
export { type BlobRange, type BlobSource, Blobs, type BlobsOptions } from './blobs.js';
export type { Encoding, Place } from './common.js';
export { Counter, type CounterOptions } from './counter.js';
export { Documents, type Json, type JsonPath } from './documents.js';
export { Graph } from './graph.js';
export { HighContentionQueue } from './high-contention-queue.js';
export { type IndexEntries, IndexedMap, type IndexRange } from './indexed-map.js';
export { MultiMap } from './multi-map.js';
export {
  type DeadJob,
  type DrainOptions,
  type Job,
  type JobHandler,
  type JobResult,
  Outbox,
  type OutboxOptions,
} from './outbox.js';
export { PriorityQueue } from './priority-queue.js';
export { type ConsumeOptions, type FeedOptions, type Message, PubSub } from './pub-sub.js';
export { Queue } from './queue.js';
export { BlockSequence, type BlockSequenceOptions, commitNumber, Sequence } from './sequence.js';
export { type Box, type Point, Spatial, zOrder, zRanges } from './spatial.js';
export { Table } from './table.js';
export { Vector } from './vector.js';
