/** What the page asks of the worker that has SQLite. */
import type { Durability } from '../contestant.ts';
import type { PackedRows } from './packed-rows.ts';

export interface SqliteCalls {
  open(database: string, durability: Durability): Promise<void>;
  remove(database: string): Promise<void>;
  put(key: string, value: Uint8Array): void;
  load(rows: PackedRows): void;
  settle(): void;
  count(): number;
  get(key: string): Uint8Array | undefined;
  scan(begin: string, end: string): PackedRows;
  increment(key: string): void;
  counter(key: string): number;
  transact(keys: readonly string[]): void;
  close(): void;
}

export interface Question {
  id: number;
  name: keyof SqliteCalls;
  parameters: unknown[];
}

export type Answer = { id: number; result: unknown } | { id: number; error: string };
