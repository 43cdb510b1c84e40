/** A folder for a browser's profile, for as long as it is needed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs `body` with the path of an empty profile folder, and removes the folder afterwards. */
export async function withProfile<T>(body: (profile: string) => Promise<T>): Promise<T> {
  const profile = await mkdtemp(join(tmpdir(), 'plinth-profile-'));
  try {
    return await body(profile);
  } finally {
    // The browser's last writes may still be under way when its process has gone.
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}
