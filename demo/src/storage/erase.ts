/** Deleting the database: emptied first, so that other tabs see it, then removed. */

import { type Database, deleteDatabase } from 'plinthdb';
import { element } from '../dom';
import type { Notices } from '../notices';
import { DATABASE_NAME } from '../session';

/** After all byte strings that a key may begin with. */
const KEYS_END = new Uint8Array([0xff]);

export async function eraseAndReload(db: Database, notices: Notices): Promise<void> {
  notices.leaving(true);
  try {
    await db.doTransaction((tn) => tn.clearRange('', KEYS_END));
    await db.close();
    await deleteDatabase(DATABASE_NAME);
    location.reload();
  } catch (error) {
    notices.leaving(false);
    throw error;
  }
}

/** The way out when the database can't be opened: a button beneath the error. */
export function eraseUnopenable(place: HTMLElement, notices: Notices): void {
  const button = element('button', { text: 'Delete the database and begin anew' });
  button.type = 'button';
  button.addEventListener('click', () => {
    void notices.guard('Deleting the database', async () => {
      await deleteDatabase(DATABASE_NAME);
      location.reload();
    });
  });
  place.append(button);
}
