/** The package's types are whole in a program for browsers that knows nothing of Node. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { assert } from 'chai';
import { paths } from '../support/paths.ts';

const PROGRAM = `
import { encoders, open, tuple, type Transformer } from 'plinthdb';
import * as fdb from 'plinthdb/foundationdb';
const bytes: Uint8Array | undefined = await fdb.open().get('k');
// @ts-expect-error where there is no Buffer, nothing takes an encoding
bytes?.toString('hex');
const date: Transformer<Date, Date> = {
  pack: (value) => tuple.pack(value.getTime()),
  unpack: (packed) => new Date(Number(tuple.unpack(packed)[0])),
};
const days = (await open('days')).at('days/', date, encoders.json);
const [[day, what] = []] = await days.getRangeAll(new Date(0), new Date());
export const found: [Date | undefined, unknown] = [day, what];
// @ts-expect-error a key of this database is a date
await days.get('2026-01-01');
// @ts-expect-error and what it has for it may be missing
export const year: number = (await db.getKey(new Date()))?.getFullYear();
declare const db: typeof days;
`;

export function typesOfAPage(): void {
  describe('the types of the package', () => {
    it('need none of Node, and know what is encoded how', async () => {
      const folder = join(paths.work, 'types-of-a-page');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'program.ts'), PROGRAM);
      const configuration = {
        extends: '../../../tsconfig.base.json',
        compilerOptions: { noEmit: true, skipLibCheck: false },
        files: ['program.ts'],
      };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(configuration));
      assert.equal(await compilerSays(folder), '');
    }).timeout(60_000);
  });
}

/** What the TypeScript compiler has to say about a folder with a `tsconfig.json`: nothing if all is well. */
export async function compilerSays(folder: string): Promise<string> {
  const typescript = createRequire(import.meta.url).resolve('typescript/package.json');
  const compiler = join(dirname(typescript), 'bin', 'tsc');
  const running = promisify(execFile)(process.execPath, [compiler, '-p', folder], { cwd: paths.tests });
  const { stdout } = await running.catch((error: { stdout: string }) => error);
  return stdout;
}
