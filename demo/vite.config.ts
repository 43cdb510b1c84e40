import { defineConfig } from 'vite';
import { citiesData } from './plugin/cities-data.ts';
import { reference } from './plugin/reference.ts';

export default defineConfig({
  // Relative addresses: the build works from any folder of any server.
  base: './',
  plugins: [citiesData(), reference()],
  build: { target: 'es2022', chunkSizeWarningLimit: 1000 },
  // A worker finds the package's .wasm as the page does.
  worker: { format: 'es' },
  // The package finds its .wasm beside its own module; pre-bundling would separate the two.
  // What is found only when a panel is opened would reload the page then.
  optimizeDeps: {
    exclude: ['plinthdb'],
    include: ['chartist', 'plinthdb-bench > dexie', 'plinthdb-bench > idb-keyval'],
  },
});
