// What is made of the compiled modules: the engine as a module of its bytes, and CommonJS for Node's `require`.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

/** Modules that CommonJS has no use for: Node reads the engine from its file. */
const isForBrowsersOnly = (file) => /^(index|inline|engine-bytes|foundationdb\/index)\./.test(file);

await writeEngineBytes();
const files = (await readdir(dist, { recursive: true })).map((file) => file.replaceAll('\\', '/'));
const entries = await nodeEntries();
await writeCommonJs(files.filter((file) => !/^(cjs|shared)\//.test(file) && !isForBrowsersOnly(file)));
await writeShared(entries);

/** The WebAssembly, compressed, since base64 takes a third more. */
async function writeEngineBytes() {
  const wasm = await readFile(join(root, 'generated', 'plinth_wasm_bg.wasm'));
  const base64 = gzipSync(wasm, { level: 9 }).toString('base64');
  await writeFile(join(dist, 'engine-bytes.js'), `export const engineBytes = '${base64}';\n`);
  await writeFile(join(dist, 'engine-bytes.d.ts'), await readFile(join(root, 'src', 'engine-bytes.d.ts')));
}

/** The modules of Node's entries, below `dist`. */
async function nodeEntries() {
  const { exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const modules = Object.values(exports).flatMap((target) => target.node?.module.default ?? []);
  return [...new Set(modules)].map((file) => file.replace('./dist/', ''));
}

/** Module by module, not one bundle for each entry: `plinthdb` and `plinthdb/recipes` must have the same classes. */
async function writeCommonJs(sources) {
  const target = join(dist, 'cjs');
  const generated = (await readdir(join(root, 'generated'))).map((file) => join(root, 'generated', file));
  const all = [...sources.map((file) => join(dist, file)), ...generated];
  const { outputFiles } = await build({
    write: false,
    entryPoints: all.filter((file) => file.endsWith('.js')),
    outdir: target,
    outbase: root,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    sourcesContent: false,
    define: { 'import.meta.url': 'moduleAddress' },
    // Files are named as from the module that was compiled: three folders up, and down again.
    banner: {
      js: "const moduleAddress = require('node:url').pathToFileURL(__filename.replace(/cjs[\\\\/]dist[\\\\/]/, ''));",
    },
    logLevel: 'warning',
  });
  for (const { path, text } of outputFiles) {
    await mkdir(dirname(path), { recursive: true });
    // These are our own modules, whose objects esbuild would copy for each that imports them: `encoders.tuple` is `tuple`.
    await writeFile(path, text.replaceAll(/__toESM\((require\("\.[^"]*"\))(?:, 1)?\)/g, '$1'));
  }
  for (const file of all.filter((file) => file.endsWith('.d.ts'))) {
    const copy = join(target, relative(root, file));
    await mkdir(dirname(copy), { recursive: true });
    const types = await readFile(file, 'utf8');
    await writeFile(copy, types.replace(/^\/\/# sourceMappingURL=.*\n?/m, ''));
  }
  const manifest = { type: 'commonjs', sideEffects: false };
  await writeFile(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/**
 * What `import` gets in Node: the CommonJS modules. A program of which one part imports the package and another requires
 * it has one engine, one set of databases in memory, and one `FDBError`.
 */
async function writeShared(modules) {
  for (const file of modules) {
    const target = join(dist, 'shared', file);
    await mkdir(dirname(target), { recursive: true });
    const address = relative(dirname(target), join(dist, 'cjs', 'dist', file)).replaceAll('\\', '/');
    await writeFile(target, `export * from '${address}';\n`);
  }
}
