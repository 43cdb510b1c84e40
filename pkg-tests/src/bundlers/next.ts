/**
 * Next.js: a component of the client that is rendered on the server first, built and started.
 *
 * Its packages are many and large, so they are not among those of the workspace: they are installed once, from a lock
 * file of their own, into a folder that is kept.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ChromiumWorld } from '../browser/world.ts';
import { paths } from '../support/paths.ts';
import { countsVisits } from './opened-page.ts';
import { fixture } from './project.ts';

/** Nothing is told to anybody. */
const ENVIRONMENT = {
  ...process.env,
  NODE_OPTIONS: '',
  NODE_ENV: 'production',
  NEXT_TELEMETRY_DISABLED: '1',
  CI: '1',
};
const run = promisify(execFile);

export function next(world: ChromiumWorld): void {
  describe('Next.js', () => {
    const folder = join(paths.work, 'next');
    const command = join(folder, 'node_modules', 'next', 'dist', 'bin', 'next');

    before('its packages', async function () {
      this.timeout(600_000);
      await install(folder);
    });

    it('builds it and starts it', async () => {
      rmSync(join(folder, '.next'), { recursive: true, force: true });
      await run(process.execPath, [command, 'build'], { cwd: folder, env: ENVIRONMENT }).catch(
        ({ stdout, stderr }: { stdout: string; stderr: string }) => {
          throw new Error(`next build:\n${stdout}\n${stderr}`);
        },
      );
      const server = spawn(process.execPath, [command, 'start', '--hostname', '127.0.0.1', '--port', '0'], {
        cwd: folder,
        env: ENVIRONMENT,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        await countsVisits(world, await addressOf(server));
      } finally {
        const ended = new Promise((resolve) => server.once('exit', resolve));
        server.kill();
        await ended;
      }
    }).timeout(240_000);
  });
}

/** Brings the project's folder up to date: its sources, its packages, and the packed package among them. */
async function install(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  cpSync(fixture('next'), folder, { recursive: true });
  const lock = readFileSync(fixture('next', 'package-lock.json'));
  const hash = createHash('sha256').update(lock).digest('hex');
  const stamp = join(folder, 'node_modules', '.installed');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== hash) {
    cpSync(join(paths.repository, '.npmrc'), join(folder, '.npmrc'));
    await run('npm', ['ci', '--ignore-scripts'], { cwd: folder });
    writeFileSync(stamp, hash);
  }
  const installed = join(folder, 'node_modules', 'plinthdb');
  rmSync(installed, { recursive: true, force: true });
  cpSync(paths.package, installed, { recursive: true });
}

/** Where the server listens, which it prints. */
function addressOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    server.stdout?.on('data', (text) => {
      printed += text;
      const [address] = printed.match(/http:\/\/127\.0\.0\.1:\d+/) ?? [];
      if (address !== undefined) resolve(address);
    });
    server.once('exit', () => reject(new Error(`next start ended:\n${printed}`)));
  });
}
