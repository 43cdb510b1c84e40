/**
 * A tab without a window: a worker with an engine of its own over the same database. It counts from
 * when it is started, and tells the page of every increment after its commit was acknowledged.
 */

import { open } from 'plinthdb';
import { Peer } from './peer';
import { openSpace } from './space';

/** What the page says first. */
export interface Begin {
  database: string;
  name: string;
}

/** What the worker says. */
export type Told = { acknowledged: number } | { failed: string };

const tell = (told: Told): void => self.postMessage(told);

self.addEventListener('message', (event: MessageEvent<Begin>) => {
  void run(event.data).catch((error: unknown) => tell({ failed: String(error) }));
});

async function run({ database, name }: Begin): Promise<void> {
  const db = await open(database);
  const peer = new Peer(db, await openSpace(db), name, 'worker');
  await peer.arrive();
  await peer.start(({ stored }) => tell({ acknowledged: stored }));
}
