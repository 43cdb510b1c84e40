/** Runs mocha in this process, on tests that a function defines. */
import Mocha from 'mocha';

export interface Counts {
  passed: number;
  failed: number;
}

export interface MochaOptions {
  /** Only tests whose full title contains this. */
  grep: string | undefined;
}

export async function runMocha(define: () => void, { grep }: MochaOptions): Promise<Counts> {
  const mocha = new Mocha({
    ui: 'bdd',
    reporter: 'spec',
    forbidOnly: true,
    forbidPending: true,
    timeout: 20_000,
  });
  if (grep !== undefined) mocha.fgrep(grep);
  // This is how mocha itself puts describe and it in place before it loads a file.
  mocha.suite.emit('pre-require', globalThis, 'pkg-tests', mocha);
  define();
  const runner = await new Promise<Mocha.Runner>((resolve) => {
    const started = mocha.run(() => resolve(started));
  });
  return { passed: runner.stats?.passes ?? 0, failed: runner.stats?.failures ?? 0 };
}
