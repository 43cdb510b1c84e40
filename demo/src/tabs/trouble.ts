/**
 * Trouble on purpose: this tab stands still, or another one dies in the middle of its work. Each ends
 * with a report of what the others noticed, read from the database.
 */

import { duration, integer } from '../format';
import type { Session } from '../session';
import { type Peer, presentPeers } from './peer';
import type { TabsSpace } from './space';
import { callRace, readTally, type Tally } from './tally';
import { type WorkerTab, WorkerTabs } from './workers';

/** So that everybody has said how it went. */
const REPORTS_MS = 1300;

export class Trouble {
  readonly workers = new WorkerTabs();
  readonly #session: Session;
  readonly #space: TabsSpace;
  readonly #peer: Peer;

  constructor(session: Session, space: TabsSpace, peer: Peer) {
    this.#session = session;
    this.#space = space;
    this.#peer = peer;
  }

  /** Blocks this tab's thread, as an endless loop would, while the others count. */
  async freeze(seconds: number, say: (text: string) => void): Promise<void> {
    const { db } = this.#session;
    const others = await this.#others();
    const helper = others.length === 0 ? this.workers.start() : undefined;
    if (helper !== undefined) {
      say('Nobody else is here: starting a tab without a window…');
      await helper.began;
    }
    await callRace(db, this.#space, Date.now() + seconds * 1000 + REPORTS_MS * 2);
    await pause(500);
    // In the middle of a commit of its own it could hold the browser's lock on the object store, which
    // is not the database's to take away.
    await this.#peer.stop();
    const before = this.#othersShare(await readTally(db, this.#space));
    say(`Standing still for ${seconds} s…`);
    await painted();
    const frozenMs = standStill(seconds * 1000);
    // The first thing that it does again is to ask what has happened.
    const after = this.#othersShare(await readTally(db, this.#space));
    await pause(REPORTS_MS);
    const names = await this.#others();
    const { reports } = await readTally(db, this.#space);
    const longestMs = Math.max(0, ...names.map((name) => reports.get(name)?.longestMs ?? 0));
    if (helper !== undefined) this.workers.kill(helper);
    say(
      `This tab stood still for ${duration(frozenMs)}. Meanwhile ${who(names)} committed ` +
        `${integer(after - before)} increments; the longest wait for one was ${duration(longestMs)}.`,
    );
  }

  /** Ends a worker at a random moment of its counting, while this tab counts too. */
  async kill(say: (text: string) => void): Promise<void> {
    const victim = this.workers.newest() ?? this.workers.start();
    say(`${victim.name} is counting…`);
    await victim.began;
    const ownCounting = this.#peer.race(Date.now() + 2500);
    await pause(300 + Math.random() * 900);
    this.workers.kill(victim);
    const heard = victim.acknowledged;
    say(`${victim.name} is dead.`);
    await ownCounting;
    const { shares } = await readTally(this.#session.db, this.#space);
    say(verdict(victim, heard, shares.get(victim.name) ?? 0, this.#peer.longestMs));
  }

  async #others(): Promise<string[]> {
    const present = await presentPeers();
    return [...present].filter((name) => name !== this.#peer.name);
  }

  #othersShare({ shares }: Tally): number {
    let sum = 0;
    for (const [name, share] of shares) if (name !== this.#peer.name) sum += share;
    return sum;
  }
}

function verdict({ name }: WorkerTab, heard: number, stored: number, longestMs: number): string {
  const more = stored - heard;
  const isKept =
    more < 0
      ? `${integer(-more)} acknowledged ones are lost.`
      : more === 0
        ? 'nothing that was acknowledged is lost, and nothing is half there.'
        : `nothing that was acknowledged is lost; ${integer(more)} more committed that it could not tell of.`;
  return (
    `${name} was killed after ${integer(heard)} acknowledged increments. Stored: ${integer(stored)}; ` +
    `${isKept} The longest wait of this tab was ${duration(longestMs)}.`
  );
}

function who(names: readonly string[]): string {
  return names.length === 1 ? String(names[0]) : `${names.length} others`;
}

/** Says how long it was. */
function standStill(ms: number): number {
  const beganMs = performance.now();
  while (performance.now() - beganMs < ms);
  return performance.now() - beganMs;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** After what has changed on the page can be seen. */
async function painted(): Promise<void> {
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
}
