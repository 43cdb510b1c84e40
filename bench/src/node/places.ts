/** Where things are. The bundle that runs is `.work/run.js`, so everything is found from there. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const work = dirname(fileURLToPath(import.meta.url));
const bench = dirname(work);

export const places = {
  bench,
  source: join(bench, 'src'),
  page: join(work, 'page'),
  results: join(work, 'results'),
  repository: dirname(bench),
} as const;
