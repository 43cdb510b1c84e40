/** Where the time goes in a page's thread: Chromium's CPU profile, written out, and its functions by their own time. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { places } from './places.ts';

const SAMPLE_US = 100;
const FUNCTIONS_SHOWN = 45;

export async function profiled<T>(
  context: BrowserContext,
  page: Page,
  name: string,
  body: () => Promise<T>,
): Promise<T> {
  const session = await context.newCDPSession(page);
  await session.send('Profiler.enable');
  await session.send('Profiler.setSamplingInterval', { interval: SAMPLE_US });
  await session.send('Profiler.start');
  const result = await body();
  const { profile } = await session.send('Profiler.stop');
  await session.detach();
  mkdirSync(places.results, { recursive: true });
  const file = join(places.results, `${name.replaceAll(/\W+/g, '-')}.cpuprofile`);
  writeFileSync(file, JSON.stringify(profile));
  writeFileSync(file.replace(/cpuprofile$/, 'txt'), ownTimes(profile));
  return result;
}

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[];
  samples?: number[];
  timeDeltas?: number[];
}

function ownTimes({ nodes, samples = [], timeDeltas = [] }: Profile): string {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  let total = 0;
  for (const [place, id] of samples.entries()) {
    const name = names.get(id) ?? '?';
    const microseconds = timeDeltas[place] ?? 0;
    if (name === '(idle)' || name === '(program)') continue;
    times.set(name, (times.get(name) ?? 0) + microseconds);
    total += microseconds;
  }
  const sorted = [...times].sort(([, left], [, right]) => right - left).slice(0, FUNCTIONS_SHOWN);
  const lines = sorted.map(([name, microseconds]) => {
    const share = ((100 * microseconds) / total).toFixed(1).padStart(5);
    return `${share} %  ${(microseconds / 1000).toFixed(1).padStart(8)} ms  ${name}`;
  });
  return `${(total / 1000).toFixed(1)} ms in scripts\n${lines.join('\n')}\n`;
}

function nameOf({ functionName, url }: { functionName: string; url: string }): string {
  const file = url.split('/').at(-1) ?? '';
  return `${functionName === '' ? '(anonymous)' : functionName}${file === '' ? '' : ` ${file}`}`;
}
