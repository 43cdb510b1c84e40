/**
 * The API suite in a page, under mocha's build for browsers.
 *
 * The address says what to run: `?storage=memory&seed=1&steps=100&grep=text`. Events go to `window.reportTest`, which
 * the test runner provides, one call each.
 */
import { open } from 'plinthdb';
import { apiSuite } from '../suite/api-suite.ts';
import type { Storage } from '../suite/fixture.ts';
import { foundationdbEntry } from '../suite/foundationdb-entry.ts';
import { layers } from '../suite/layers.ts';
import { recipes } from '../suite/recipes.ts';
import type { TestEvent } from '../support/page-run.ts';

declare global {
  function reportTest(event: TestEvent): Promise<void>;
}

const parameters = new URLSearchParams(location.search);
const isMemory = parameters.get('storage') === 'memory';
const grep = parameters.get('grep');
let opened = 0;

mocha.setup({
  ui: 'bdd',
  reporter: Reporter as never,
  timeout: 20_000,
  forbidOnly: true,
  forbidPending: true,
});
if (grep !== null) mocha.fgrep(grep);

const uniqueName = () => `${isMemory ? 'memory:' : ''}suite-${opened++}-${crypto.randomUUID()}`;

const storage: Storage = {
  label: isMemory ? 'memory in Chromium' : 'IndexedDB in Chromium',
  uniqueName,
  open,
  seed: Number(parameters.get('seed')),
  steps: Number(parameters.get('steps')),
};
apiSuite(storage);
recipes(storage);
foundationdbEntry(uniqueName);
if (isMemory) layers(Number(parameters.get('seed')));

mocha.run();

/** The stack shows the message as it was when the error was made; a test may have added the seed since. */
function describeError({ message, stack = '' }: Error): string {
  return stack.includes(message) ? stack : `${message}\n${stack}`;
}

function Reporter(runner: Mocha.Runner): void {
  let depth = 0;
  let reports = Promise.resolve();
  function report(event: TestEvent): void {
    reports = reports.then(() => reportTest(event));
  }
  runner.on('suite', (suite) => {
    if (!suite.root) report({ kind: 'suite', depth, title: suite.title });
    depth += 1;
  });
  runner.on('suite end', () => {
    depth -= 1;
  });
  runner.on('pass', (test) =>
    report({ kind: 'pass', depth, title: test.title, durationMs: test.duration ?? 0 }),
  );
  runner.on('fail', (test, error: Error) =>
    report({ kind: 'fail', depth, title: test.fullTitle(), message: describeError(error) }),
  );
  runner.once('end', () => {
    const { passes = 0, failures = 0 } = runner.stats ?? {};
    report({ kind: 'end', passed: passes, failed: failures });
  });
}
