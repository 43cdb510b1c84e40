/** The whole database to a file and back, as a stream: the version is one, however long it takes. */

import type { Database, ImportOptions, TransferProgress } from 'plinthdb';
import { part } from '../dom';
import { byteSize, duration, integer } from '../format';
import type { Notices } from '../notices';

export interface TransferViews {
  /** The database that is shown. */
  db(): Database;
  say(text: string): void;
  /** Its keys are others now. */
  imported(): Promise<void>;
}

export function startTransfer(root: HTMLElement, notices: Notices, views: TransferViews): void {
  const exportButton = part(root, '#explorer-export', HTMLButtonElement);
  const into = part(root, '#explorer-into', HTMLSelectElement);
  const file = part(root, '#explorer-import', HTMLInputElement);

  exportButton.addEventListener('click', () => {
    exportButton.disabled = true;
    void notices
      .guard('Exporting the database', () => exportToFile(views))
      .finally(() => {
        exportButton.disabled = false;
      });
  });
  file.addEventListener('change', () => {
    const [chosen] = file.files ?? [];
    if (chosen === undefined) return;
    file.disabled = true;
    void notices
      .guard('Importing the file', () => importFile(views, chosen, into.value as Into))
      .finally(() => {
        file.disabled = false;
        file.value = '';
      });
  });
}

type Into = NonNullable<ImportOptions['into']>;

async function exportToFile({ db, say }: TransferViews): Promise<void> {
  const database = db();
  const beganMs = performance.now();
  const progress: TransferProgress = { bytes: 0, rows: 0 };
  const stream = database.export({
    onProgress: ({ bytes, rows }) => {
      Object.assign(progress, { bytes, rows });
      say(`Exporting: ${integer(rows)} keys…`);
    },
  });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await new Response(stream).blob());
  link.download = `${database.name}.plinth`;
  link.click();
  // The browser has the bytes when the download has begun; a moment later they may go.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  say(`Exported ${transferred(progress, performance.now() - beganMs)} to ${link.download}.`);
}

async function importFile({ db, say, imported }: TransferViews, file: File, into: Into): Promise<void> {
  const beganMs = performance.now();
  const progress = await db().importFrom(file.stream(), {
    into,
    onProgress: ({ rows }) => say(`Importing: ${integer(rows)} keys…`),
  });
  await imported();
  say(`Imported ${transferred(progress, performance.now() - beganMs)} from ${file.name}.`);
}

function transferred({ rows, bytes }: TransferProgress, ms: number): string {
  return `${integer(rows)} keys, ${byteSize(bytes)}, in ${duration(ms)}`;
}
