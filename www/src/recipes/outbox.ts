import { type Database, type Transaction, tuple } from '../exports.js';
import {
  type Encoding,
  int64,
  isEqual,
  nextOrdinal,
  type Place,
  randomId,
  type TupleSpace,
  tupleSpace,
} from './common.js';

/** A job for a handler. */
export interface Job<V> {
  /** Sixteen bytes, the same in every attempt: what tells a server that it has seen the job. */
  id: Uint8Array;
  value: V;
  /** Counts the attempts, this one included. */
  attempt: number;
}

/** A job that was given up. */
export interface DeadJob<V> {
  id: Uint8Array;
  value: V;
  attempts: number;
  /** What the last attempt threw, as text. */
  reason: string;
}

/**
 * Does a job, outside of any transaction, so it may take long. What it returns, if that is a function, runs in
 * the transaction that removes the job. If it throws, the job is tried again later.
 */
export type JobHandler<V> = (job: Job<V>) => JobResult | Promise<JobResult>;

/** What is left to do when a job is done, in the transaction that removes it. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing is the usual one
export type JobResult = void | ((tn: Transaction) => unknown);

/** Options of an {@link Outbox}. */
export interface OutboxOptions {
  /** After so many attempts a job is given up; 10 is the default. */
  attemptsMax?: number | undefined;
  /** The wait after the first failure, in milliseconds, doubled by each further one; 1,000 is the default. */
  backoffMs?: number | undefined;
  /** The longest such wait; five minutes are the default. */
  backoffMsMax?: number | undefined;
  /** How long an attempt may take before the job is given to somebody else; 30,000 is the default. */
  leaseMs?: number | undefined;
}

/** Options of {@link Outbox.drain}. */
export interface DrainOptions {
  /** Ends the loop, after the jobs at work. */
  signal?: AbortSignal | undefined;
  /** How many jobs are done at the same time; 1 is the default. */
  concurrency?: number | undefined;
}

/** Where a job stands. The token is that of the attempt at work. */
interface State {
  due: number;
  ordinal: number;
  attempts: number;
  token: Uint8Array | null;
}

/** Several that look for a job choose among so many. */
const CHOICES = 10;
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/**
 * Write-behind: a transaction that changes data also records the job that follows from it, such as telling
 * a server; so there is no change without its job and no job without its change. Any number of tabs
 * drain the jobs in the background.
 *
 * A tab that takes a job has it for the time of a lease; if the tab dies, another one takes it. So a
 * handler may run more than once. The transaction that removes the job happens exactly once, and what the
 * handler returned runs in it. A job that fails is tried again with growing pauses, and given up in the end:
 * {@link Outbox.dead} has it then.
 *
 * @example
 * ```ts
 * const outbox = new Outbox<{ order: number }>(new Subspace('outbox'), encoders.json);
 * await db.doTransaction((tn) => {
 *   tn.set('order/7', 'a book');
 *   outbox.add(tn, { order: 7 });
 * });
 * outbox.drain(db, async ({ id, value }) => {
 *   await fetch(`/orders/${value.order}?id=${id.join('-')}`, { method: 'POST' });
 *   return (tn) => tn.set(`order/${value.order}/sent`, '');
 * });
 * ```
 */
export class Outbox<V> {
  readonly #queue: TupleSpace;
  readonly #jobs: TupleSpace;
  readonly #states: TupleSpace;
  readonly #dead: TupleSpace;
  readonly #wake: Uint8Array;
  readonly #values: Encoding<V>;
  readonly #options: { attemptsMax: number; backoffMs: number; backoffMsMax: number; leaseMs: number };

  constructor(place: Place, values: Encoding<V>, options: OutboxOptions = {}) {
    const space = tupleSpace(place);
    this.#queue = space.at([0]);
    this.#jobs = space.at([1]);
    this.#states = space.at([2]);
    this.#dead = space.at([3]);
    this.#wake = space.packKey([4]);
    this.#values = values;
    const { attemptsMax = 10, backoffMs = 1_000, backoffMsMax = 300_000, leaseMs = 30_000 } = options;
    this.#options = { attemptsMax, backoffMs, backoffMsMax, leaseMs };
  }

  /** Records a job, which is done when the transaction has committed, or so much later. Answers its id. */
  add(tn: Transaction, value: V, { delayMs = 0 }: { delayMs?: number | undefined } = {}): Uint8Array {
    const id = randomId();
    tn.set(this.#jobs.packKey([id]), this.#values.pack(value));
    this.#enqueue(tn, id, { due: Date.now() + delayMs, ordinal: nextOrdinal(), attempts: 0, token: null });
    tn.add(this.#wake, int64(1));
    return id;
  }

  /** Does jobs as they come, about in their order, until the signal aborts. Rejects if the database fails. */
  async drain(
    db: Database,
    handler: JobHandler<V>,
    { signal, concurrency = 1 }: DrainOptions = {},
  ): Promise<void> {
    const work = async () => {
      while (!signal?.aborted) {
        if (!(await this.runNext(db, handler))) await this.#wait(db, signal);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  }

  /**
   * Makes one attempt at one job that is due: whether there was any.
   *
   * @example
   * ```ts
   * const hasRun = await outbox.runNext(db, ({ value }) => console.log(value.order));
   * ```
   */
  async runNext(db: Database, handler: JobHandler<V>): Promise<boolean> {
    let tries = 0;
    const claim = await db.doTransaction((tn) => this.#claim(tn, tries++));
    if (claim === undefined) return false;
    const { job, token } = claim;
    try {
      const finish = await handler(job);
      await db.doTransaction(async (tn) => {
        // Otherwise the lease was over, and somebody else has the job or has done it.
        if (!(await this.#isClaimed(tn, job.id, token))) return;
        this.#remove(tn, job.id, await this.#state(tn, job.id));
        if (finish) await finish(tn);
      });
    } catch (error) {
      await db.doTransaction(async (tn) => {
        if (await this.#isClaimed(tn, job.id, token)) await this.#postpone(tn, job.id, String(error));
      });
    }
    return true;
  }

  /**
   * Whether no job is left to do, now or later. Those given up don't count.
   *
   * @example
   * ```ts
   * const isDone = await outbox.isEmpty(tn);
   * ```
   */
  async isEmpty(tn: Transaction): Promise<boolean> {
    const { begin, end } = this.#queue.packRange([]);
    return (await tn.getRangeAll(begin, end, { limit: 1 })).length === 0;
  }

  /**
   * The jobs that were given up.
   *
   * @example
   * ```ts
   * for await (const { value, reason } of outbox.dead(tn)) console.log(value.order, reason);
   * ```
   */
  async *dead(tn: Transaction): AsyncGenerator<DeadJob<V>, void> {
    const { begin, end } = this.#dead.packRange([]);
    for await (const [key, value] of tn.getRange(begin, end)) {
      const id = this.#dead.unpackKey(key)[0] as Uint8Array;
      const [attempts, reason] = tuple.unpack(value) as [number, string];
      yield { id, value: await this.#value(tn, id), attempts, reason };
    }
  }

  /**
   * Has a job that was given up tried again from the beginning: whether there is one of this id.
   *
   * @example
   * ```ts
   * for await (const { id } of outbox.dead(tn)) await outbox.revive(tn, id);
   * ```
   */
  async revive(tn: Transaction, id: Uint8Array): Promise<boolean> {
    if (!(await tn.exists(this.#dead.packKey([id])))) return false;
    tn.clear(this.#dead.packKey([id]));
    this.#enqueue(tn, id, { due: Date.now(), ordinal: nextOrdinal(), attempts: 0, token: null });
    tn.add(this.#wake, int64(1));
    return true;
  }

  /**
   * Forgets a job that was given up: whether there is one of this id.
   *
   * @example
   * ```ts
   * for await (const { id } of outbox.dead(tn)) await outbox.discard(tn, id);
   * ```
   */
  async discard(tn: Transaction, id: Uint8Array): Promise<boolean> {
    if (!(await tn.exists(this.#dead.packKey([id])))) return false;
    tn.clear(this.#dead.packKey([id]));
    tn.clear(this.#jobs.packKey([id]));
    return true;
  }

  /** Takes a job that is due: the first one, or any of the first ones if others have been quicker. */
  async #claim(tn: Transaction, tries: number): Promise<{ job: Job<V>; token: Uint8Array } | undefined> {
    const { begin } = this.#queue.packRange([]);
    const due = await tn.snapshot().getRangeAll(begin, this.#queue.packKey([Date.now() + 1]), {
      limit: CHOICES,
    });
    const chosen = due[tries === 0 ? 0 : Math.floor(Math.random() * due.length)];
    if (chosen === undefined) return undefined;
    const id = this.#queue.unpackKey(chosen[0])[2] as Uint8Array;
    // With a conflict: the same job can't be taken twice.
    const state = await this.#state(tn, id);
    if (state.attempts >= this.#options.attemptsMax) {
      this.#bury(tn, id, state, 'the lease of the last attempt ended');
      return this.#claim(tn, tries);
    }
    const token = randomId();
    const attempt = state.attempts + 1;
    tn.clear(chosen[0]);
    this.#enqueue(tn, id, { ...state, due: Date.now() + this.#options.leaseMs, attempts: attempt, token });
    return { job: { id, value: await this.#value(tn, id), attempt }, token };
  }

  async #isClaimed(tn: Transaction, id: Uint8Array, token: Uint8Array): Promise<boolean> {
    const bytes = await tn.get(this.#states.packKey([id]));
    const current = bytes && stateOf(bytes).token;
    return current instanceof Uint8Array && isEqual(current, token);
  }

  /** Back into the queue after a failure, or to the dead. */
  async #postpone(tn: Transaction, id: Uint8Array, reason: string): Promise<void> {
    const state = await this.#state(tn, id);
    const { attemptsMax, backoffMs, backoffMsMax } = this.#options;
    if (state.attempts >= attemptsMax) {
      this.#bury(tn, id, state, reason);
      return;
    }
    const longest = Math.min(backoffMsMax, backoffMs * 2 ** (state.attempts - 1));
    // Jobs that failed together are not all tried again together.
    const pause = Math.ceil(longest * (0.5 + Math.random() / 2));
    tn.clear(this.#queueKey(id, state));
    this.#enqueue(tn, id, { ...state, due: Date.now() + pause, token: null });
    tn.add(this.#wake, int64(1));
  }

  #bury(tn: Transaction, id: Uint8Array, state: State, reason: string): void {
    tn.clear(this.#queueKey(id, state));
    tn.clear(this.#states.packKey([id]));
    tn.set(this.#dead.packKey([id]), tuple.pack([state.attempts, reason.slice(0, 1_000)]));
  }

  #remove(tn: Transaction, id: Uint8Array, state: State): void {
    tn.clear(this.#queueKey(id, state));
    tn.clear(this.#states.packKey([id]));
    tn.clear(this.#jobs.packKey([id]));
  }

  #enqueue(tn: Transaction, id: Uint8Array, state: State): void {
    const { due, ordinal, attempts, token } = state;
    tn.set(this.#queueKey(id, state), '');
    tn.set(this.#states.packKey([id]), tuple.pack([due, ordinal, attempts, token]));
  }

  #queueKey(id: Uint8Array, { due, ordinal }: State): Uint8Array {
    return this.#queue.packKey([due, ordinal, id]);
  }

  async #state(tn: Transaction, id: Uint8Array): Promise<State> {
    return stateOf((await tn.get(this.#states.packKey([id]))) as Uint8Array);
  }

  async #value(tn: Transaction, id: Uint8Array): Promise<V> {
    return this.#values.unpack((await tn.get(this.#jobs.packKey([id]))) as Uint8Array);
  }

  /** Until a job is added or comes due. */
  async #wait(db: Database, signal: AbortSignal | undefined): Promise<void> {
    const { watch, due } = await db.doTransaction(async (tn) => {
      const { begin, end } = this.#queue.packRange([]);
      const [first] = await tn.getRangeAll(begin, end, { limit: 1 });
      const due = first && (this.#queue.unpackKey(first[0])[0] as number);
      return { watch: tn.watch(this.#wake), due };
    });
    const delay = Math.min((due ?? Number.POSITIVE_INFINITY) - Date.now(), TIMEOUT_MS_MAX);
    const timer = setTimeout(() => watch.cancel(), Math.max(0, delay));
    signal?.addEventListener('abort', watch.cancel);
    if (signal?.aborted) watch.cancel();
    try {
      await watch.promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', watch.cancel);
    }
  }
}

function stateOf(bytes: Uint8Array): State {
  const [due, ordinal, attempts, token] = tuple.unpack(bytes) as [number, number, number, Uint8Array | null];
  return { due, ordinal, attempts, token };
}
