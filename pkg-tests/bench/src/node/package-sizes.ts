/** How much each contestant adds to a page: its code, bundled and minified, and the files that it loads. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { NODE_MODULES, namedFiles } from './bundle.ts';
import { places } from './places.ts';

export interface PackageSize {
  what: string;
  bytes: number;
  gzip: number;
  brotli: number;
}

const ENTRIES: Readonly<Record<string, string>> = {
  'Plinth, `open` only': `export { open } from 'plinthdb'`,
  'Plinth, everything': `export * from 'plinthdb'`,
  'idb-keyval': `export * from 'idb-keyval'`,
  Dexie: `export { Dexie, liveQuery } from 'dexie'`,
  'browser-level': `export { BrowserLevel } from 'browser-level'`,
  'SQLite (OPFS)': `import sqlite3 from '@sqlite.org/sqlite-wasm'; export { sqlite3 }`,
  PGlite: `export { PGlite } from '@electric-sql/pglite'`,
  'sorted-btree': `import tree from 'sorted-btree'; export { tree }`,
};

/** Scripts that a package names are alternatives to what the bundle has. */
const LOADED = /\.(wasm|data)$/;

export async function packageSizes(): Promise<PackageSize[]> {
  const sizes: PackageSize[] = [];
  for (const [what, contents] of Object.entries(ENTRIES)) {
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
      if (what === 'Plinth, everything') sizes.push(sizeOf('Plinth, the .wasm alone', [readFileSync(file)]));
    }
  }
  return sizes;
}

function sizeOf(what: string, pieces: readonly Uint8Array[]): PackageSize {
  const sum = (size: (piece: Uint8Array) => number) =>
    pieces.reduce((total, piece) => total + size(piece), 0);
  return {
    what,
    bytes: sum((piece) => piece.length),
    gzip: sum((piece) => gzipSync(piece, { level: 9 }).length),
    brotli: sum((piece) => brotliCompressSync(piece).length),
  };
}
