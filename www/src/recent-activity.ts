/**
 * What was asked of the engine last, and what went wrong last.
 *
 * Errors are kept always: there are few. Requests only if asked for: a read from memory takes less time than looking
 * at the clock twice.
 */
import type { TransactionCalls } from './engine.js';
import { errorCodes } from './error-codes.js';
import type { FDBError } from './fdb-error.js';

/** How many are kept of each. */
const KEPT = 100;

/** A request of a transaction that was answered. */
export interface RecentRequest {
  /** What was asked for. */
  readonly operation: 'get' | 'getKey' | 'getRange' | 'getReadVersion' | 'estimate' | 'split' | 'commit';
  /** When: milliseconds of `performance.now()`. */
  readonly at: number;
  /** How long the answer took. */
  readonly microseconds: number;
  /** The key or the begin of the range, with the prefix of the subspace. */
  readonly key: Uint8Array | undefined;
  /** The code of the error that it ended with; 0 for none. */
  readonly code: number;
}

/** An error that an attempt of a transaction ended with. */
export interface RecentError {
  /** When: milliseconds of `performance.now()`. */
  readonly at: number;
  readonly error: FDBError;
}

/** Names of the engine's calls that answer something, and of what they are to their users. */
const REQUESTS = {
  get: 'get',
  getKey: 'getKey',
  getRange: 'getRange',
  readVersion: 'getReadVersion',
  estimatedRangeBytes: 'estimate',
  rangeSplitPoints: 'split',
  commit: 'commit',
} as const satisfies Partial<Record<keyof TransactionCalls, RecentRequest['operation']>>;

/** What was done last with one open database. */
export class RecentActivity {
  readonly #requests: Ring<RecentRequest> | undefined;
  readonly #errors = new Ring<RecentError>();

  /** @param inspect Whether requests are recorded. */
  constructor(inspect = false) {
    if (inspect) this.#requests = new Ring();
  }

  /** Whether requests are recorded. */
  get isRecording(): boolean {
    return this.#requests !== undefined;
  }

  /** The last of each, the oldest first. */
  list(): { requests: RecentRequest[]; errors: RecentError[] } {
    return { requests: this.#requests?.list() ?? [], errors: this.#errors.list() };
  }

  /** Keeps the error that an attempt ended with. */
  failed(error: FDBError): void {
    this.#errors.push({ at: performance.now(), error });
  }

  /** A transaction of the engine with its requests recorded, if they are to be. */
  recorded(calls: TransactionCalls): TransactionCalls {
    const requests = this.#requests;
    if (!requests) return calls;
    for (const [name, operation] of Object.entries(REQUESTS)) {
      const method = name as keyof typeof REQUESTS;
      const original = calls[method] as (...parameters: unknown[]) => unknown;
      const ask = (...parameters: unknown[]) => {
        const at = performance.now();
        const [first] = parameters;
        // The caller may change its bytes.
        const key = first instanceof Uint8Array ? first.slice() : undefined;
        const answered = (code: number) => {
          const microseconds = Math.round((performance.now() - at) * 1000);
          requests.push({ operation, at, microseconds, key, code });
        };
        const answer = original.apply(calls, parameters);
        if (answer instanceof Promise)
          answer.then(
            () => answered(0),
            (reason) => answered(codeOf(reason)),
          );
        else answered(codeOfAnswer(operation, answer));
        return answer;
      };
      Object.defineProperty(calls, method, { value: ask });
    }
    return calls;
  }
}

/** Numbers are codes, except for versions: of those the negative ones are. */
function codeOfAnswer(operation: RecentRequest['operation'], answer: unknown): number {
  if (typeof answer !== 'number') return 0;
  return operation === 'getReadVersion' ? Math.max(0, -answer) : answer;
}

/** The engine rejects with a code and a message; one that waits for its database, with an error. */
function codeOf(reason: unknown): number {
  if (Array.isArray(reason)) return reason[0] as number;
  const code = (reason as { code?: unknown } | undefined)?.code;
  return typeof code === 'number' ? code : errorCodes.internal_error;
}

/** The last ones of many. */
class Ring<Item> {
  readonly #items: Item[] = [];
  #next = 0;

  push(item: Item): void {
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % KEPT;
  }

  /** The oldest first. */
  list(): Item[] {
    return [...this.#items.slice(this.#next), ...this.#items.slice(0, this.#next)];
  }
}
