/** Browsers as processes: each leads a process group of its own, and none outlives this process. */
import { readdirSync, readFileSync } from 'node:fs';

/** Process groups of the browsers that run. */
const running = new Set<number>();

process.on('exit', () => {
  for (const group of running) killGroup(group);
});

/** Kills the group when this process exits, unless it is forgotten before. */
export function remember(group: number): void {
  running.add(group);
}

export function forget(group: number): void {
  running.delete(group);
}

export function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Resolves when the process is gone: it has no event that tells a stranger, hence the polling. */
export async function isGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    // A zombie holds nothing any more; nobody may be there to reap it.
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

export interface ProcessInfo {
  pid: number;
  command: string[];
}

/** The processes of a group (Linux). */
export function processesOf(group: number): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        if (Number(fields[2]) !== group) return [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').filter(Boolean);
        return [{ pid: Number(name), command }];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
}
