/**
 * Programs written for the npm package `foundationdb`, as they are in `src/programs`, and what their last comment
 * says that they print. Only where they import from is changed, by the bundler.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { paths } from './paths.ts';

export interface Program {
  readonly name: string;
  readonly file: string;
  readonly isCommonJs: boolean;
  /** Whether it needs Node's Buffer, which a page gets from npm's `buffer`. */
  readonly usesBuffer: boolean;
  readonly prints: string[];
}

const folder = join(paths.tests, 'src', 'programs');

export function programs(): Program[] {
  return readdirSync(folder).map((file) => {
    const source = readFileSync(join(folder, file), 'utf8');
    return {
      name: basename(file),
      file: join(folder, file),
      isCommonJs: file.endsWith('.cjs'),
      // The values that a program reads may be used as Buffers without their being named.
      usesBuffer: /\bBuffer\b|\.toString\(/.test(source),
      prints: claims(source),
    };
  });
}

/** The lines of the comment that begins with `Prints:`. */
export function claims(source: string): string[] {
  const [, comment = ''] = source.split(/^\/\/ Prints:\n/m);
  return comment
    .split('\n')
    .filter((line) => line.startsWith('// '))
    .map((line) => line.slice(3));
}

/** The program as one module that imports this package, which stays outside. */
export async function bundled(program: Program, options: BuildOptions): Promise<string> {
  const outfile = join(paths.work, 'programs', `${program.name}.${program.isCommonJs ? 'cjs' : 'mjs'}`);
  await build({
    entryPoints: [program.file],
    outfile,
    bundle: true,
    format: program.isCommonJs ? 'cjs' : 'esm',
    alias: { foundationdb: 'plinthdb/foundationdb' },
    external: ['plinthdb/foundationdb'],
    logLevel: 'warning',
    ...options,
  });
  return outfile;
}
