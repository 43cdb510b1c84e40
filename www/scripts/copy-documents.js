// The tarball carries the repository's licence files, its change log and its README. What the README links to and the
// tarball does not have is left out of the copy; the guide lies beside it there.
import { copyFile, readFile, writeFile } from 'node:fs/promises';

const repository = new URL('../../', import.meta.url);
const www = new URL('../', import.meta.url);

for (const file of ['LICENSE-APACHE', 'LICENSE-MIT', 'CHANGELOG.md']) {
  await copyFile(new URL(file, repository), new URL(file, www));
}

const readme = await readFile(new URL('README.md', repository), 'utf8');
const kept = readme
  .replaceAll('](www/guide/', '](guide/')
  .replace(/^!\[[^\]]*\]\(demo\/[^)]*\)\n\n/m, '')
  .replace(/^How it works, file by file: \[ARCHITECTURE\.md\]\(ARCHITECTURE\.md\)\.\n\n/m, '');
await writeFile(new URL('README.md', www), kept);
