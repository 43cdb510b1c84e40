/**
 * One that counts: a tab, or a worker that stands for a tab without a window. It runs the same
 * code in both.
 *
 * Presence is a row that says who it is, and a Web Lock that says that it still is: the browser
 * lets go of the lock when its owner is gone, however it went, so nobody has to send signs of life.
 */

import type { Database } from 'plinthdb';
import { tuple } from 'plinthdb';
import { fromJson } from '../bytes';
import { type TabsSpace, unpackNumber, unpackString } from './space';

export type PeerKind = 'tab' | 'worker';

/** What a peer says of itself. */
export interface PeerReport {
  kind: PeerKind;
  /** `Date.now()` when it came. */
  since: number;
  /** And when it said this. */
  at: number;
  isCounting: boolean;
  perSecond: number;
  /** The longest that it waited for one increment, in the newest run. */
  longestMs: number;
  conflicts: number;
}

export interface Increment {
  /** How many of its increments are stored, this one included. */
  stored: number;
  ms: number;
}

const LOCK_PREFIX = 'plinth-demo:tab:';
const REPORT_EVERY_MS = 1000;

export class Peer {
  readonly name: string;
  readonly #db: Database;
  readonly #space: TabsSpace;
  readonly #report: PeerReport;
  #counting: Promise<void> | undefined;
  #isWanted = false;
  #raceUntil = 0;
  #epoch = '';
  /** Increments whose commit was acknowledged, since the counter was last set to zero. */
  #acknowledged = 0;

  constructor(db: Database, space: TabsSpace, name: string, kind: PeerKind) {
    this.#db = db;
    this.#space = space;
    this.name = name;
    this.#report = {
      kind,
      since: Date.now(),
      at: 0,
      isCounting: false,
      perSecond: 0,
      longestMs: 0,
      conflicts: 0,
    };
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get isCounting(): boolean {
    return this.#counting !== undefined;
  }

  /** Since it came. */
  get conflicts(): number {
    return this.#report.conflicts;
  }

  get longestMs(): number {
    return this.#report.longestMs;
  }

  /** Takes the lock, for as long as this page or worker lives, and writes the row. */
  async arrive(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const held = navigator.locks.request(LOCK_PREFIX + this.name, () => {
        resolve();
        return new Promise<never>(() => undefined);
      });
      held.catch(reject);
    });
    await this.#say();
  }

  /** Counts until `stop`. `onIncrement` hears of every increment that was acknowledged. */
  start(onIncrement: (increment: Increment) => void = () => undefined): Promise<void> {
    this.#isWanted = true;
    this.#counting ??= this.#count(onIncrement).finally(() => {
      this.#counting = undefined;
    });
    return this.#counting;
  }

  /** Resolves when what it is doing is done. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    this.#raceUntil = 0;
    await this.#counting;
  }

  /** Counts until then, by `Date.now()`. */
  race(until: number, onIncrement?: (increment: Increment) => void): Promise<void> {
    this.#raceUntil = Math.max(this.#raceUntil, until);
    if (Date.now() >= until) return Promise.resolve();
    const wasWanted = this.#isWanted;
    const counting = this.start(onIncrement);
    this.#isWanted = wasWanted;
    return counting;
  }

  async #count(onIncrement: (increment: Increment) => void): Promise<void> {
    const report = this.#report;
    report.isCounting = true;
    report.longestMs = 0;
    let reportedMs = performance.now();
    let countedSince = 0;
    try {
      while (this.#isWanted || Date.now() < this.#raceUntil) {
        const increment = await this.#increment();
        countedSince += 1;
        report.longestMs = Math.max(report.longestMs, increment.ms);
        onIncrement(increment);
        const passedMs = performance.now() - reportedMs;
        if (passedMs >= REPORT_EVERY_MS) {
          report.perSecond = (countedSince / passedMs) * 1000;
          reportedMs = performance.now();
          countedSince = 0;
          await this.#say();
        }
      }
    } finally {
      report.isCounting = false;
      report.perSecond = 0;
      await this.#say();
    }
  }

  /** Reads, adds one, writes: the counter, and this peer's own share of it. */
  async #increment(): Promise<Increment> {
    const { count } = this.#space;
    const beganMs = performance.now();
    let runs = 0;
    const { stored, epoch } = await this.#db.doTransaction(async (tn) => {
      runs += 1;
      const [total, own, mark] = await Promise.all([
        tn.get(count.packKey(['total'])),
        tn.get(count.packKey(['by', this.name])),
        tn.get(count.packKey(['epoch'])),
      ]);
      const next = unpackNumber(own) + 1;
      tn.set(count.packKey(['total']), tuple.pack([unpackNumber(total) + 1]));
      tn.set(count.packKey(['by', this.name]), tuple.pack([next]));
      return { stored: next, epoch: unpackString(mark) };
    });
    this.#report.conflicts += runs - 1;
    this.#acknowledged = epoch === this.#epoch ? this.#acknowledged + 1 : stored;
    this.#epoch = epoch;
    return { stored, ms: performance.now() - beganMs };
  }

  #say(): Promise<void> {
    this.#report.at = Date.now();
    return this.#db.set(this.#space.count.packKey(['tab', this.name]), JSON.stringify(this.#report));
  }
}

/** The names of the peers that are there. */
export async function presentPeers(): Promise<Set<string>> {
  const { held = [] } = await navigator.locks.query();
  const names = held.map(({ name = '' }) => name).filter((name) => name.startsWith(LOCK_PREFIX));
  return new Set(names.map((name) => name.slice(LOCK_PREFIX.length)));
}

export function parseReport(value: Uint8Array): PeerReport {
  return fromJson<PeerReport>(value);
}
