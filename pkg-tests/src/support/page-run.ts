/** Runs the API suite in a page and prints it as mocha's `spec` reporter does here. */
import type { Browser } from './driver.ts';
import type { Counts } from './mocha-run.ts';

/** What the page reports, one at a time and in order. */
export type TestEvent =
  | { kind: 'suite'; depth: number; title: string }
  | { kind: 'pass'; depth: number; title: string; durationMs: number }
  | { kind: 'fail'; depth: number; title: string; message: string }
  | { kind: 'end'; passed: number; failed: number };

/** A page that reports nothing for this long is stuck: no single test may take that long. */
const SILENCE_MS_MAX = 90_000;

export async function runSuiteInPage(browser: Browser, address: string): Promise<Counts> {
  const failures: string[] = [];
  const page = await browser.newPage();
  const startedAt = Date.now();

  const ended = new Promise<Counts>((resolve, reject) => {
    let watchdog: NodeJS.Timeout | undefined;
    function restartWatchdog(): void {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => reject(new Error(`${address} fell silent`)), SILENCE_MS_MAX);
    }
    restartWatchdog();
    page.onCrash(() => reject(new Error(`${address} crashed`)));
    let hasBegun = false;
    // Before mocha runs, an error would only be noticed by the silence; later it is one of the browser's problems.
    page.onUncaught((error) => {
      if (!hasBegun) reject(error);
    });
    void page.exposeFunction('reportTest', (event: TestEvent) => {
      hasBegun = true;
      restartWatchdog();
      printEvent(event);
      if (event.kind === 'fail') failures.push(`${event.title}\n${event.message}`);
      if (event.kind !== 'end') return;
      clearTimeout(watchdog);
      resolve({ passed: event.passed, failed: event.failed });
    });
  });

  let counts: Counts;
  try {
    await Promise.all([page.goto(address), ended.catch(() => undefined)]);
    counts = await ended;
  } catch (error) {
    failures.push(`the page itself\n${error instanceof Error ? error.stack : error}`);
    counts = { passed: 0, failed: 1 };
  }
  await page.close();

  const problems = browser.problems.splice(0);
  if (problems.length > 0) {
    failures.push(`nothing is logged as an error\n${problems.join('\n')}`);
    counts = { ...counts, failed: counts.failed + 1 };
  }
  console.log(`\n\n  ${counts.passed} passing (${Math.round((Date.now() - startedAt) / 1000)}s)`);
  if (counts.failed > 0) console.log(`  ${counts.failed} failing`);
  for (const [index, failure] of failures.entries())
    console.log(`\n  ${index + 1}) ${failure.replaceAll('\n', '\n     ')}`);
  console.log();
  return counts;
}

function printEvent(event: TestEvent): void {
  if (event.kind === 'end') return;
  const indent = '  '.repeat(event.depth);
  if (event.kind === 'suite') console.log(`\n${indent}${event.title}`);
  else if (event.kind === 'fail') console.log(`${indent}FAILED ${event.title}`);
  else console.log(`${indent}✔ ${event.title}${event.durationMs > 75 ? ` (${event.durationMs}ms)` : ''}`);
}
