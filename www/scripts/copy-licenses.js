// The tarball carries the licence files of the repository.
import { copyFile } from 'node:fs/promises';

for (const file of ['LICENSE-APACHE', 'LICENSE-MIT']) {
  await copyFile(new URL(`../../${file}`, import.meta.url), new URL(`../${file}`, import.meta.url));
}
