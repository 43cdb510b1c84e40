/** The tasks of a page's main thread while something runs in it, as Chromium's own tracing sees them. */
import type { Page } from 'playwright-core';

export interface Tasks {
  count: number;
  /** The longest one's time on the processor, and on the clock, in milliseconds. */
  longestMs: number;
  longestWallMs: number;
  /** Of the time on the processor of all tasks, and of those of a millisecond or more. */
  p99Ms: number;
  p99OfLongMs: number;
  /** How many took more than eight milliseconds. */
  over8Ms: number;
}

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** Microseconds: on the clock, on the processor. */
  dur?: number;
  tdur?: number;
  args: { name?: string };
}

/** Runs `body` and resolves with its result and the tasks of the page's process meanwhile. */
export async function tasksOf<T>(page: Page, body: () => Promise<T>): Promise<{ result: T; tasks: Tasks }> {
  const browser = page.context().browser();
  if (browser === null) throw new Error('the page has no browser');
  const session = await browser.newBrowserCDPSession();
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  const completed = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: {
      recordMode: 'recordContinuously',
      traceBufferSizeInKb: 400_000,
      includedCategories: ['disabled-by-default-devtools.timeline'],
      excludedCategories: ['*'],
    },
  });
  const result = await body();
  await session.send('Tracing.end');
  await completed;
  await session.detach();
  return { result, tasks: summed(events) };
}

/** The process with the most work is the page's. */
function summed(events: readonly TraceEvent[]): Tasks {
  const mainThreads = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}/${tid}`),
  );
  const byThread = new Map<string, TraceEvent[]>();
  for (const event of events) {
    const thread = `${event.pid}/${event.tid}`;
    if (event.name !== 'RunTask' || event.ph !== 'X' || !mainThreads.has(thread)) continue;
    const tasks = byThread.get(thread);
    if (tasks) tasks.push(event);
    else byThread.set(thread, [event]);
  }
  const spent = (tasks: readonly TraceEvent[]) => tasks.reduce((sum, { tdur = 0 }) => sum + tdur, 0);
  const [tasks = []] = [...byThread.values()].sort((one, other) => spent(other) - spent(one));
  const times = tasks.map(({ tdur = 0 }) => tdur / 1_000).sort((one, other) => one - other);
  const long = times.filter((time) => time >= 1);
  return {
    count: times.length,
    longestMs: times.at(-1) ?? 0,
    longestWallMs: tasks.reduce((longest, { dur = 0 }) => Math.max(longest, dur), 0) / 1_000,
    p99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
    p99OfLongMs: long[Math.floor(long.length * 0.99)] ?? 0,
    over8Ms: times.filter((time) => time > 8).length,
  };
}
