/** Vite, without a configuration: its development server and its build. */
import { build, createServer, preview } from 'vite';
import type { ChromiumWorld } from '../browser/world.ts';
import { countsVisits } from './opened-page.ts';
import { fixture, outputFolder } from './project.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 } as const;

export function vite(world: ChromiumWorld): void {
  describe('Vite', () => {
    const project = { root: fixture('vite'), configFile: false, logLevel: 'error' } as const;

    it('serves it from the development server', async () => {
      const server = await createServer({
        ...project,
        server: LOOPBACK,
        cacheDir: outputFolder('vite-cache'),
      });
      try {
        await server.listen();
        await countsVisits(world, server.resolvedUrls?.local[0] ?? '');
      } finally {
        await server.close();
      }
    }).timeout(60_000);

    it('builds it', async () => {
      const output = { outDir: outputFolder('vite'), emptyOutDir: true };
      await build({ ...project, build: output });
      const server = await preview({ ...project, build: output, preview: LOOPBACK });
      try {
        await countsVisits(world, server.resolvedUrls?.local[0] ?? '');
      } finally {
        await server.close();
      }
    }).timeout(60_000);
  });
}
