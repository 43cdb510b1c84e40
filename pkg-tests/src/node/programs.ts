/** Programs for the npm package `foundationdb` run in Node, with nothing but the import changed. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { assert } from 'chai';
import { paths } from '../support/paths.ts';
import { bundled, claims, programs } from '../support/programs.ts';

export function programsInNode(): void {
  describe('programs for the npm package foundationdb, in Node', () => {
    for (const program of programs()) {
      it(program.name, async () => {
        assert.isNotEmpty(program.prints, 'the program claims nothing: it has no `// Prints:`');
        const file = await bundled(program, { platform: 'node', target: 'node20' });
        const { stdout } = await promisify(execFile)(process.execPath, [file], {
          cwd: paths.tests,
          timeout: 30_000,
        });
        const printed = stdout
          .trimEnd()
          .split('\n')
          .map((line) => line.trimEnd());
        assert.deepEqual(printed, program.prints);
      }).timeout(40_000);
    }

    it('are read for what they claim', () => {
      assert.deepEqual(claims("console.log('a');\n\n// Prints:\n// a\n// b c\n"), ['a', 'b c']);
      assert.deepEqual(claims('// Prints nothing\n'), []);
    });
  });
}
