/** How much each contestant adds to a page: its code, bundled and minified, and the files that it loads. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import type { ContestantName } from '../catalogue.ts';
import { NODE_MODULES, namedFiles } from './bundle.ts';
import { places } from './places.ts';

export const EVERYTHING = 'Plinth, everything';

export interface PackageSize {
  what: string;
  bytes: number;
  gzip: number;
  brotli: number;
}

interface Imported {
  contestant: ContestantName;
  what: string;
  contents: string;
}

const IMPORTED: readonly Imported[] = [
  { contestant: 'plinth', what: 'Plinth, `open` only', contents: `export { open } from 'plinthdb'` },
  { contestant: 'plinth', what: EVERYTHING, contents: `export * from 'plinthdb'` },
  { contestant: 'idb-keyval', what: 'idb-keyval', contents: `export * from 'idb-keyval'` },
  { contestant: 'dexie', what: 'Dexie', contents: `export { Dexie, liveQuery } from 'dexie'` },
  { contestant: 'browser-level', what: 'browser-level', contents: `export * from 'browser-level'` },
  {
    contestant: 'sqlite',
    what: 'SQLite (OPFS)',
    contents: `export { default } from '@sqlite.org/sqlite-wasm'`,
  },
  { contestant: 'pglite', what: 'PGlite', contents: `export { PGlite } from '@electric-sql/pglite'` },
  { contestant: 'sorted-btree', what: 'sorted-btree', contents: `export { default } from 'sorted-btree'` },
];

/** Scripts that a package names are alternatives to what the bundle has. */
const LOADED = /\.(wasm|data)$/;

export async function packageSizes(contestants: readonly ContestantName[]): Promise<PackageSize[]> {
  const sizes: PackageSize[] = [];
  for (const { contestant, what, contents } of IMPORTED) {
    if (!contestants.includes(contestant)) continue;
    const files = new Set<string>();
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: places.bench },
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      target: 'es2023',
      external: NODE_MODULES,
      plugins: [namedFiles(join(places.page, 'sizes'), (file) => files.add(file))],
      logLevel: 'error',
    });
    const pieces: Uint8Array[] = [...outputFiles.map((file) => file.contents)];
    for (const file of files) if (LOADED.test(file)) pieces.push(readFileSync(file));
    sizes.push(sizeOf(what, pieces));
    for (const file of files) {
      if (what === EVERYTHING) sizes.push(sizeOf('Plinth, the .wasm alone', [readFileSync(file)]));
    }
  }
  return sizes;
}

/** Compressing a megabyte well takes seconds; several contestants share files. */
const compressed = new Map<string, { gzip: number; brotli: number }>();

function compress(piece: Uint8Array): { gzip: number; brotli: number } {
  const hash = createHash('sha256').update(piece).digest('hex');
  const found = compressed.get(hash) ?? {
    gzip: gzipSync(piece, { level: 9 }).length,
    brotli: brotliCompressSync(piece).length,
  };
  compressed.set(hash, found);
  return found;
}

function sizeOf(what: string, pieces: readonly Uint8Array[]): PackageSize {
  const sum = (size: (piece: Uint8Array) => number) =>
    pieces.reduce((total, piece) => total + size(piece), 0);
  return {
    what,
    bytes: sum((piece) => piece.length),
    gzip: sum((piece) => compress(piece).gzip),
    brotli: sum((piece) => compress(piece).brotli),
  };
}
