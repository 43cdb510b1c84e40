/** Times the parts of a workload. */
import { type Responsiveness, TaskSampler } from './responsiveness.ts';

export interface Measured {
  /** Which part of the work, by its id in the report. */
  part: string;
  operations: number;
  milliseconds: number;
  /** Only where it was asked for; the time is then not representative. */
  responsiveness?: Responsiveness;
}

export class Stopwatch {
  readonly measured: Measured[] = [];
  readonly isSampling: boolean;

  constructor({ isSampling }: { isSampling: boolean }) {
    this.isSampling = isSampling;
  }

  async time<T>(part: string, operations: number, body: () => Promise<T>): Promise<T> {
    const sampler = this.isSampling ? new TaskSampler() : undefined;
    const begin = performance.now();
    const result = await body();
    const milliseconds = performance.now() - begin;
    const responsiveness = sampler?.end();
    this.measured.push({ part, operations, milliseconds, ...(responsiveness && { responsiveness }) });
    return result;
  }
}
