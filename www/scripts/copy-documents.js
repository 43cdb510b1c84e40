// The tarball carries the repository's licence files and its README.
import { copyFile } from 'node:fs/promises';

for (const file of ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md']) {
  await copyFile(new URL(`../../${file}`, import.meta.url), new URL(`../${file}`, import.meta.url));
}
