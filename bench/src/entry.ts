/** A contestant as it is listed: what it is, in what it takes part, and how its module is loaded. */
import type { Contestant, Durability } from './contestant.ts';

export interface Entry {
  title: string;
  /** The npm package, for its version; none for what the browser itself has. */
  package?: string;
  kind: 'plinth' | 'peer' | 'floor';
  durabilities: readonly Durability[];
  /** Does this part of the work only where each operation takes milliseconds. */
  share: number;
  /** Why it takes no part in some workloads, by their ids. */
  absent: Readonly<Record<string, string>>;
  load(): Promise<Contestant>;
}

/** What those without watches say. */
export const NO_WATCH = { W8: 'no watch' } as const;
