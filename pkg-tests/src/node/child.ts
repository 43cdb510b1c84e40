/** Runs a module in a Node process of its own. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { paths } from '../support/paths.ts';

export interface ChildResult {
  stdout: string;
  stderr: string;
}

/** `source` is an ES module, run where `plinthdb` resolves to the packed package. Rejects on a non-zero exit. */
export function runModule(source: string): Promise<ChildResult> {
  const options = { cwd: paths.tests, timeout: 30_000, env: { ...process.env, NODE_OPTIONS: '' } };
  return promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source], options);
}
