/**
 * Bundles pages as a user's bundler does: files that modules name by `new URL(…, import.meta.url)` are copied beside the
 * bundle, which esbuild does not do by itself.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { places } from './places.ts';

const FILE_ADDRESS = /new URL\(\s*(["'])([\w./-]+)\1\s*,\s*import\.meta\.url\s*\)/g;

/** Copies named files to `folder` and tells `found` about each. */
export function namedFiles(folder: string, found: (file: string) => void = () => undefined): Plugin {
  return {
    name: 'named files',
    setup(bundler) {
      bundler.onLoad({ filter: /\.m?js$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        if (!text.includes('import.meta.url')) return undefined;
        const contents = text.replaceAll(FILE_ADDRESS, (whole, _quote, name: string) => {
          const file = join(dirname(path), name);
          if (!existsSync(file)) return whole;
          mkdirSync(folder, { recursive: true });
          copyFileSync(file, join(folder, basename(file)));
          found(file);
          return `new URL(${JSON.stringify(`./${basename(file)}`)}, import.meta.url)`;
        });
        return { contents, loader: 'js' };
      });
    },
  };
}

export async function bundlePages(): Promise<void> {
  const source = (path: string) => join(places.source, path);
  await build({
    entryPoints: {
      bench: source('page/bench.ts'),
      'first-read': source('page/first-read.ts'),
      'sqlite-worker': source('contestants/sqlite-worker.ts'),
    },
    outdir: places.page,
    // Each contestant is a chunk of its own, which a page loads when it is called up.
    splitting: true,
    bundle: true,
    // Not their names: profiles show functions.
    minifySyntax: true,
    minifyWhitespace: true,
    format: 'esm',
    target: 'es2023',
    external: NODE_MODULES,
    plugins: [namedFiles(places.page)],
    logLevel: 'error',
  });
}

/** What packages for both sides import where they run in Node. */
export const NODE_MODULES = ['node:*', 'fs', 'path', 'url', 'crypto', 'module', 'worker_threads'];
