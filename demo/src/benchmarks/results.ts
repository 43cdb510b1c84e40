/** What was measured, and how it compares. */

import { type Part, parts } from 'plinthdb-bench/parts';
import { type Summary, summarize } from 'plinthdb-bench/statistics';
import type { Measured } from 'plinthdb-bench/stopwatch';
import type { Workload } from 'plinthdb-bench/workload';
import { BASELINE, type CommitDurability, type ContestantName, entrant, entryOf, type Order } from './order';

/** One contestant in one part of the work. */
export interface Line {
  contestant: ContestantName;
  title: string;
  /** Operations per second. */
  rates?: Summary;
  rounds: number;
  /** How many times the baseline's median its own is. */
  ratio?: number;
  /** Why there is no rate, or what it is the rate of. */
  note: string;
}

export interface PartResult {
  part: Part;
  lines: readonly Line[];
}

export class Results {
  readonly #samples = new Map<string, number[]>();
  readonly #failures = new Map<string, string>();

  add(contestant: ContestantName, measured: readonly Measured[]): void {
    for (const { part, operations, milliseconds } of measured) {
      const key = keyOf(contestant, part);
      this.#samples.set(key, [...(this.#samples.get(key) ?? []), (1000 * operations) / milliseconds]);
    }
  }

  fail(contestant: ContestantName, workload: string, message: string): void {
    this.#failures.set(keyOf(contestant, workload), message);
  }

  hasFailed(contestant: ContestantName, workload: string): boolean {
    return this.#failures.has(keyOf(contestant, workload));
  }

  /** The parts of a workload of which something is known. */
  of(workload: Workload, { contestants, durability }: Order): PartResult[] {
    return parts
      .filter(({ id }) => this.#hasSamples(id) && (id === workload.id || id.startsWith(`${workload.id} `)))
      .map((part) => {
        const lines = contestants.map((name) => this.#line(name, part, workload, durability));
        const baseline = lines.find(({ contestant }) => contestant === BASELINE)?.rates?.median;
        if (baseline === undefined) return { part, lines };
        return {
          part,
          lines: lines.map((line) =>
            line.rates === undefined ? line : { ...line, ratio: line.rates.median / baseline },
          ),
        };
      });
  }

  /** What went wrong in a workload. */
  failuresOf(workload: string, { contestants }: Order): { title: string; message: string }[] {
    return contestants.flatMap((name) => {
      const message = this.#failures.get(keyOf(name, workload));
      return message === undefined ? [] : [{ title: entryOf(name).title, message }];
    });
  }

  #hasSamples(part: string): boolean {
    return [...this.#samples.keys()].some((key) => key.endsWith(keyOf('', part)));
  }

  #line(contestant: ContestantName, part: Part, workload: Workload, durability: CommitDurability): Line {
    const line = { contestant, title: entryOf(contestant).title };
    const failed = this.hasFailed(contestant, workload.id) ? 'failed' : '';
    const own = this.#samples.get(keyOf(contestant, part.id));
    if (own !== undefined) return { ...line, rates: summarize(own), rounds: own.length, note: failed };
    const instead =
      part.against === undefined ? undefined : this.#samples.get(keyOf(contestant, part.against));
    if (instead !== undefined) {
      const note = failed || `can’t; this is: ${parts.find(({ id }) => id === part.against)?.title}`;
      return { ...line, rates: summarize(instead), rounds: instead.length, note };
    }
    const place = entrant(contestant, workload, durability);
    return { ...line, rounds: 0, note: failed || ('absent' in place ? place.absent : '') };
  }
}

function keyOf(contestant: ContestantName | '', part: string): string {
  return `${contestant}\n${part}`;
}
