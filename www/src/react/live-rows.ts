/**
 * Copies of ranges that follow the database, one for all components that show the same range.
 *
 * A component that suspends is thrown away before it could keep anything, and rendered again from the beginning: the
 * copy it waits for must be found by what it is of. Development builds of React mount everything twice. So a copy that
 * nobody shows is kept for a moment.
 */
import type { Changes, Database, KeyRange, Row, Subject } from '../exports.js';
import { subjectRange } from '../subscription.js';

type AnyDatabase = Database<unknown, unknown, never, unknown>;

/** How long a copy is kept that nobody shows. */
const UNUSED_LIMIT_MS = 5_000;

/** What is known of a range; another object whenever that changes. */
export interface LiveState<Key, Value> {
  /** Undefined until the database has answered. */
  readonly rows?: readonly Row<Key, Value>[];
  /** Why there will be no more changes. */
  readonly error?: unknown;
  /** Resolves when one of the two is there. */
  readonly known: Promise<void>;
}

/** A range that follows the database. */
export interface LiveRows<Key, Value> {
  readonly state: LiveState<Key, Value>;
  /** Calls back when the state changes, until the function that it returns is called. */
  subscribe(changed: () => void): () => void;
}

/** The copies by what they are of: database, encodings and range. */
const copies = /* @__PURE__ */ new WeakMap<object, Map<string, Copy>>();

/** The copy of a range, from all callers of the same range the same one. */
export function liveRows<KeyIn, KeyOut, ValOut>(
  db: Database<KeyIn, KeyOut, never, ValOut>,
  subject: Subject<KeyIn>,
): LiveRows<KeyOut, ValOut> {
  const { subspace } = db;
  const { begin, end } = subjectRange(subspace, subject);
  const { keyXf, valueXf } = subspace;
  // Encodings may be made anew for each rendering of a part of the database; the objects that encode are the same.
  const id = [numberOf(keyXf), numberOf(valueXf), subspace.prefix, begin, end].map(String).join(' ');
  const all = copies.get(db.identity) ?? new Map<string, Copy>();
  copies.set(db.identity, all);
  let copy = all.get(id);
  if (!copy) {
    copy = new Copy(db as unknown as AnyDatabase, { begin, end }, () => all.delete(id));
    all.set(id, copy);
  }
  return copy as unknown as LiveRows<KeyOut, ValOut>;
}

const numbers = /* @__PURE__ */ new WeakMap<object, number>();
let numbered = 0;

function numberOf(object: object): number {
  const number = numbers.get(object) ?? ++numbered;
  numbers.set(object, number);
  return number;
}

/** A row with its key as text of its bytes, which sorts as they do. */
interface Entry {
  readonly id: string;
  readonly row: Row<unknown, unknown>;
}

class Copy implements LiveRows<unknown, unknown> {
  state: LiveState<unknown, unknown>;
  readonly #db: AnyDatabase;
  readonly #range: KeyRange;
  readonly #forget: () => void;
  readonly #listeners = new Set<() => void>();
  #entries: readonly Entry[] = [];
  /** Ends what is being followed; undefined when nothing is. */
  #following: AbortController | undefined;
  #unused: ReturnType<typeof setTimeout> | undefined;

  constructor(db: AnyDatabase, range: KeyRange, forget: () => void) {
    this.#db = db;
    this.#range = range;
    this.#forget = forget;
    this.state = { known: this.#follow() };
    this.#closeLater();
  }

  subscribe(changed: () => void): () => void {
    clearTimeout(this.#unused);
    this.#listeners.add(changed);
    // A part of the page that was hidden for a while shows what it had, and goes on from there.
    if (!this.#following && this.state.error === undefined) this.#follow();
    return () => {
      this.#listeners.delete(changed);
      if (this.#listeners.size > 0) return;
      // Whoever asks again after a failure tries again. Until then it must be found, or rendering would never end.
      if (this.state.error !== undefined) this.#forget();
      this.#closeLater();
    };
  }

  /** Follows the range; resolves with the first answer, or when there will be none. */
  #follow(): Promise<void> {
    const following = new AbortController();
    this.#following = following;
    return new Promise((resolve) => {
      const tell = (state: Omit<LiveState<unknown, unknown>, 'known'>) => {
        this.state = { ...state, known: this.state.known };
        resolve();
        for (const listener of this.#listeners) listener();
      };
      const end = () => {
        if (this.#following === following) this.#following = undefined;
      };
      const fail = (error: unknown) => {
        end();
        tell({ error });
      };
      const show = ({ changes, replaced }: Changes) => {
        try {
          this.#entries = merged(this.#entries, changes, replaced, (row) => this.#decode(row));
          tell({ rows: this.#entries.map(({ row }) => row) });
        } catch (error) {
          // What is there is not in the encoding that it is read in.
          following.abort();
          fail(error);
        }
      };
      try {
        const { signal } = following;
        this.#db.getRoot().subscribe(this.#range, show, { signal }).ended.then(end, fail);
      } catch (error) {
        // Not within the rendering that asks for the copy.
        Promise.resolve(error).then(fail);
      }
    });
  }

  #decode([key, value]: Row): Row<unknown, unknown> {
    const { subspace } = this.#db;
    return [subspace.unpackKey(key), subspace.unpackValue(value)];
  }

  #closeLater(): void {
    this.#unused = setTimeout(() => {
      const following = this.#following;
      this.#following = undefined;
      this.#forget();
      following?.abort();
    }, UNUSED_LIMIT_MS);
  }
}

/** The entries after a change: both lists are in the order of their keys. Rows that did not change stay the same. */
function merged(
  entries: readonly Entry[],
  changes: Changes['changes'],
  replaced: readonly KeyRange[],
  decode: (row: Row) => Row<unknown, unknown>,
): Entry[] {
  const gone = replaced.map(({ begin, end }) => [textOf(begin), textOf(end)] as const);
  const result: Entry[] = [];
  let index = 0;
  const keepBelow = (limit: string | undefined) => {
    for (; index < entries.length; index++) {
      const entry = entries[index] as Entry;
      if (limit !== undefined && entry.id >= limit) return;
      if (!gone.some(([begin, end]) => begin <= entry.id && entry.id < end)) result.push(entry);
    }
  };
  for (const [key, value] of changes) {
    const id = textOf(key);
    keepBelow(id);
    if (entries[index]?.id === id) index++;
    if (value !== undefined) result.push({ id, row: decode([key, value]) });
  }
  keepBelow(undefined);
  return result;
}

/** One character for each byte: compares as the bytes do. */
function textOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
