/** W8: from a commit to the callback of a watch, in the same tab and in another. */
import type { Connection } from '../contestant.ts';
import type { Key } from '../dataset.ts';
import { rowValue } from '../dataset.ts';

/** Milliseconds since 1970, as fine as the clock is. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

export interface CommitTimes {
  called: number;
  acknowledged: number;
}

/** Both sides of one change. */
export interface WatchTimes extends CommitTimes {
  fired: number;
}

/** Commits after each arming of a watch, all in this tab. */
export async function watchHere(connection: Connection, key: Key, changes: number): Promise<WatchTimes[]> {
  const times: WatchTimes[] = [];
  for (let index = 0; index < changes; index++) {
    const { changed } = await armed(connection, key);
    const fired = changed.then(now);
    const called = now();
    await connection.put(key, rowValue(index));
    const acknowledged = now();
    times.push({ called, acknowledged, fired: await fired });
  }
  return times;
}

/** The side that watches: says on the channel how many watches were in place so far, and again when it is asked. */
export async function watchThere(connection: Connection, key: Key, changes: number): Promise<number[]> {
  const channel = new BroadcastChannel(CHANNEL);
  const fired: number[] = [];
  let armedCount = 0;
  channel.onmessage = () => channel.postMessage(armedCount);
  for (let index = 0; index < changes; index++) {
    const { changed } = await armed(connection, key);
    armedCount += 1;
    channel.postMessage(armedCount);
    await changed;
    fired.push(now());
  }
  channel.close();
  return fired;
}

/** The side that commits, whenever the other side has a watch in place. */
export async function commitWhenWatched(
  connection: Connection,
  key: Key,
  changes: number,
): Promise<CommitTimes[]> {
  const channel = new BroadcastChannel(CHANNEL);
  // The other side may have seen a change, and watch for the next one, before the commit is acknowledged here.
  let armedCount = 0;
  let onArmed: () => void = () => {};
  channel.onmessage = ({ data }) => {
    armedCount = data;
    onArmed();
  };
  // The other side may have begun before anybody listened here.
  channel.postMessage('how many?');
  const times: CommitTimes[] = [];
  for (let index = 0; index < changes; index++) {
    while (armedCount <= index) {
      await new Promise<void>((resolve) => {
        onArmed = resolve;
      });
    }
    const called = now();
    await connection.put(key, rowValue(index));
    times.push({ called, acknowledged: now() });
  }
  channel.close();
  return times;
}

const CHANNEL = 'bench-watch';
const PING = 'bench-ping';

/** Answers pings with this tab's time until the function it returns is called. */
export function answerPings(): () => void {
  const channel = new BroadcastChannel(PING);
  channel.onmessage = () => channel.postMessage(now());
  return () => channel.close();
}

export interface Clocks {
  /** What another tab's clock shows more than this one's. */
  aheadMs: number;
  /** A message to it and back, the median. */
  roundTripMs: number;
}

/** Compares clocks with the tab that answers pings: the quickest answer tells best. */
export async function compareClocks(pings: number): Promise<Clocks> {
  const channel = new BroadcastChannel(PING);
  const samples: { aheadMs: number; roundTripMs: number }[] = [];
  for (let index = 0; index < pings; index++) {
    const sent = now();
    const answered = new Promise<number>((resolve) => {
      channel.onmessage = ({ data }) => resolve(data);
    });
    channel.postMessage('ping');
    const theirs = await answered;
    const received = now();
    samples.push({ aheadMs: theirs - (sent + received) / 2, roundTripMs: received - sent });
  }
  channel.close();
  samples.sort((left, right) => left.roundTripMs - right.roundTripMs);
  const [quickest] = samples;
  const median = samples[samples.length >> 1];
  if (quickest === undefined || median === undefined) throw new Error('no pings');
  return { aheadMs: quickest.aheadMs, roundTripMs: median.roundTripMs };
}

function armed(connection: Connection, key: Key): Promise<{ changed: Promise<void> }> {
  if (connection.watch === undefined) throw new Error('it has no watches');
  return connection.watch(key);
}
