/** The recipes, each against an obvious model and under concurrency. */
import type { Storage } from './fixture.ts';
import { blobs } from './recipes/blobs.ts';
import { collections } from './recipes/collections.ts';
import { documents } from './recipes/documents.ts';
import { messages } from './recipes/messages.ts';
import { numbers } from './recipes/numbers.ts';
import { outboxes } from './recipes/outboxes.ts';
import { queues } from './recipes/queues.ts';
import { spatial } from './recipes/spatial.ts';

export function recipes(storage: Storage): void {
  describe(`the recipes on ${storage.label}`, () => {
    collections(storage);
    documents(storage);
    spatial(storage);
    numbers(storage);
    queues(storage);
    blobs(storage);
    messages(storage);
    outboxes(storage);
  });
}
