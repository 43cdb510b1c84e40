import { concat2, type Database, type Transaction, type TupleItem, type Watch } from '../exports.js';
import {
  compare,
  type Encoding,
  int64,
  type Place,
  stampedKey,
  type TupleSpace,
  tupleSpace,
} from './common.js';

/** A message and the feed that it was posted to. */
export interface Message<F, M> {
  feed: F;
  message: M;
}

/** Where a subscription begins: with what the feed has, or with what comes. */
export interface FeedOptions {
  from?: 'begin' | 'now' | undefined;
}

/** Options of {@link PubSub.consume}. */
export interface ConsumeOptions {
  /** Ends the loop. */
  signal?: AbortSignal | undefined;
  /** Messages per transaction; 100 is the default. */
  limit?: number | undefined;
}

/** Before all messages of a feed. */
const BEGIN = /* @__PURE__ */ new Uint8Array(0);

/**
 * Publish and subscribe. Messages are posted to feeds; an inbox subscribes to feeds and receives each of their
 * messages once, in the order of the commits, however many tabs look into it.
 *
 * A message is stored once, in its feed; an inbox keeps how far it has read in each. Posting conflicts with
 * nobody. Each feed has a key that changes with every post: whoever waits watches those of its feeds.
 *
 * @example
 * ```ts
 * const news = new PubSub<string, string, Post>(new Subspace('news'), encoders.json);
 * await db.doTransaction((tn) => news.subscribe(tn, 'ann', 'sports'));
 * news.consume(db, 'ann', (tn, messages) => {
 *   for (const { feed, message } of messages) tn.set(`seen/${feed}/${message.title}`, '');
 * });
 * await db.doTransaction((tn) => news.post(tn, 'sports', { title: 'won' }));
 * ```
 */
export class PubSub<F extends TupleItem, I extends TupleItem, M> {
  readonly #messages: TupleSpace;
  readonly #cursors: TupleSpace;
  readonly #subscribers: TupleSpace;
  readonly #feedChanges: TupleSpace;
  readonly #inboxChanges: TupleSpace;
  readonly #values: Encoding<M>;

  constructor(place: Place, values: Encoding<M>) {
    const space = tupleSpace(place);
    this.#messages = space.at([0]);
    this.#cursors = space.at([1]);
    this.#subscribers = space.at([2]);
    this.#feedChanges = space.at([3]);
    this.#inboxChanges = space.at([4]);
    this.#values = values;
  }

  /** Posts a message to a feed, and wakes those who wait for it. */
  post(tn: Transaction, feed: F, message: M): void {
    tn.setVersionstampedKeyRaw(stampedKey(this.#messages, [feed]), this.#values.pack(message));
    tn.add(this.#feedChanges.packKey([feed]), int64(1));
  }

  /** Has an inbox receive what is posted to a feed from now on, or all of it. Harmless if it does already. */
  async subscribe(tn: Transaction, inbox: I, feed: F, { from = 'now' }: FeedOptions = {}): Promise<void> {
    const cursor = this.#cursors.packKey([inbox, feed]);
    if (await tn.exists(cursor)) return;
    tn.set(cursor, from === 'begin' ? BEGIN : await this.#end(tn, feed));
    tn.set(this.#subscribers.packKey([feed, inbox]), '');
    tn.add(this.#inboxChanges.packKey([inbox]), int64(1));
  }

  /**
   * Ends that.
   *
   * @example
   * ```ts
   * news.unsubscribe(tn, 'ann', 'sports');
   * ```
   */
  unsubscribe(tn: Transaction, inbox: I, feed: F): void {
    tn.clear(this.#cursors.packKey([inbox, feed]));
    tn.clear(this.#subscribers.packKey([feed, inbox]));
    tn.add(this.#inboxChanges.packKey([inbox]), int64(1));
  }

  /** The feeds of an inbox. */
  async feeds(tn: Transaction, inbox: I): Promise<F[]> {
    return (await this.#readCursors(tn, inbox)).map(({ feed }) => feed);
  }

  /**
   * The inboxes that subscribe to a feed.
   *
   * @example
   * ```ts
   * const readers = await news.subscribers(tn, 'sports');
   * ```
   */
  async subscribers(tn: Transaction, feed: F): Promise<I[]> {
    const { begin, end } = this.#subscribers.packRange([feed]);
    const rows = await tn.getRangeAll(begin, end);
    return rows.map(([key]) => this.#subscribers.unpackKey(key)[1] as I);
  }

  /**
   * Takes the next messages out of an inbox, in the order of their commits. Two that receive from one inbox
   * at the same time conflict; nobody conflicts with those who post.
   */
  async receive(tn: Transaction, inbox: I, limit = 100): Promise<Message<F, M>[]> {
    const cursors = await this.#readCursors(tn, inbox);
    const found = await Promise.all(
      cursors.map(async ({ key, feed, place, prefix }) => {
        const { end } = this.#messages.packRange([feed]);
        const rows = await tn.snapshot().getRangeAll(after(prefix, place), end, { limit });
        return rows.map(([row, value]) => ({ key, feed, place: row.subarray(prefix.length), value }));
      }),
    );
    const next = found
      .flat()
      .sort((a, b) => compare(a.place, b.place))
      .slice(0, limit);
    for (const { key, place } of next) tn.set(key, place);
    return next.map(({ feed, value }) => ({ feed, message: this.#values.unpack(value) }));
  }

  /**
   * Receives messages as they come, until the signal aborts. The handler runs in the transaction that
   * takes them: what it writes there happens exactly once per message. If it throws, the messages stay, and the
   * error is passed on.
   */
  async consume(
    db: Database,
    inbox: I,
    handler: (tn: Transaction, messages: Message<F, M>[]) => unknown,
    { signal, limit }: ConsumeOptions = {},
  ): Promise<void> {
    while (!signal?.aborted) {
      const watches = await db.doTransaction(async (tn) => {
        const messages = await this.receive(tn, inbox, limit);
        if (messages.length === 0) return this.#watch(tn, inbox);
        await handler(tn, messages);
        return [];
      });
      await firstOf(watches, signal);
    }
  }

  /**
   * Deletes what all subscribers of a feed have received; everything, if there is none.
   *
   * @example
   * ```ts
   * await news.trim(tn, 'sports');
   * ```
   */
  async trim(tn: Transaction, feed: F): Promise<void> {
    const { begin, end } = this.#messages.packRange([feed]);
    const prefix = this.#messages.packKey([feed]);
    let last = end;
    for (const inbox of await this.subscribers(tn, feed)) {
      const place = (await tn.get(this.#cursors.packKey([inbox, feed]))) ?? BEGIN;
      const next = after(prefix, place);
      if (compare(next, last) < 0) last = next;
    }
    tn.clearRange(begin, last);
  }

  async #readCursors(tn: Transaction, inbox: I) {
    const { begin, end } = this.#cursors.packRange([inbox]);
    const rows = await tn.getRangeAll(begin, end);
    return rows.map(([key, place]) => {
      const feed = this.#cursors.unpackKey(key)[1] as F;
      return { key, feed, place, prefix: this.#messages.packKey([feed]) };
    });
  }

  /** The place of a feed's last message. */
  async #end(tn: Transaction, feed: F): Promise<Uint8Array> {
    const { begin, end } = this.#messages.packRange([feed]);
    const [last] = await tn.snapshot().getRangeAll(begin, end, { limit: 1, reverse: true });
    return last === undefined ? BEGIN : last[0].subarray(this.#messages.packKey([feed]).length);
  }

  async #watch(tn: Transaction, inbox: I): Promise<Watch[]> {
    const feeds = await this.feeds(tn, inbox);
    const keys = feeds.map((feed) => this.#feedChanges.packKey([feed]));
    return [this.#inboxChanges.packKey([inbox]), ...keys].map((key) => tn.watch(key));
  }
}

/** The first key after the message at a place. */
function after(prefix: Uint8Array, place: Uint8Array): Uint8Array {
  return concat2(concat2(prefix, place), Uint8Array.of(0));
}

/** Waits for the first of the watches, and ends the others; none is no wait. */
async function firstOf(watches: readonly Watch[], signal: AbortSignal | undefined): Promise<void> {
  const cancel = () => {
    for (const watch of watches) watch.cancel();
  };
  signal?.addEventListener('abort', cancel);
  if (signal?.aborted) cancel();
  try {
    if (watches.length > 0) await Promise.race(watches.map(({ promise }) => promise));
  } finally {
    signal?.removeEventListener('abort', cancel);
    cancel();
  }
}
