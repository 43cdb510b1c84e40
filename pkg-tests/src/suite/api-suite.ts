/** The whole API suite, as a function of the storage it is to run on. */
import { atomicOperations } from './atomic-operations.ts';
import { clearRange } from './clear-range.ts';
import { conflictRanges } from './conflict-ranges.ts';
import { conflicts } from './conflicts.ts';
import { databaseCalls } from './database-calls.ts';
import { directories } from './directories.ts';
import { durabilityOption } from './durability-option.ts';
import type { Storage } from './fixture.ts';
import { getRange } from './get-range.ts';
import { getAndSet } from './get-set.ts';
import { keyOrder } from './key-order.ts';
import { lifecycle } from './lifecycle.ts';
import { limits } from './limits.ts';
import { maintenance } from './maintenance.ts';
import { migrations } from './migrations.ts';
import { options } from './options.ts';
import { randomProgram } from './random-program.ts';
import { readVersions } from './read-versions.ts';
import { readYourWrites } from './read-your-writes.ts';
import { recentActivity } from './recent-activity.ts';
import { retry } from './retry.ts';
import { scopes } from './scopes.ts';
import { selectors } from './selectors.ts';
import { serializability } from './serializability.ts';
import { snapshotReads } from './snapshot-reads.ts';
import { subscriptions } from './subscriptions.ts';
import { watches } from './watches.ts';

export function apiSuite(storage: Storage): void {
  describe(`the API on ${storage.label}`, () => {
    getAndSet(storage);
    databaseCalls(storage);
    keyOrder(storage);
    clearRange(storage);
    getRange(storage);
    selectors(storage);
    readYourWrites(storage);
    atomicOperations(storage);
    snapshotReads(storage);
    retry(storage);
    conflicts(storage);
    conflictRanges(storage);
    serializability(storage);
    watches(storage);
    subscriptions(storage);
    limits(storage);
    durabilityOption(storage);
    options(storage);
    readVersions(storage);
    scopes(storage);
    directories(storage);
    maintenance(storage);
    migrations(storage);
    recentActivity(storage);
    lifecycle(storage);
    randomProgram(storage);
  });
}
