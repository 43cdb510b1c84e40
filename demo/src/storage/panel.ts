/** The storage panel: what is there, how long each step took, and the way to delete it all. */

import { element, part } from '../dom';
import { byteSize, dayAndTime, duration, integer } from '../format';
import type { Panel } from '../panels';
import { readVisits } from '../visits';
import { eraseAndReload } from './erase';
import { takeInventory } from './inventory';
import markup from './storage.html?raw';
import './storage.css';
import { Timeline } from './timeline';

const VISITS_SHOWN = 6;

export const storagePanel: Panel = {
  markup,
  async start(root, session) {
    const { db, notices, timings } = session;
    new Timeline(part(root, '#storage-timeline', HTMLTableSectionElement), timings).show();
    startErasing();
    startInventory();
    part(root, '#storage-reload', HTMLButtonElement).addEventListener('click', () => {
      location.reload();
    });

    await showVisits();
    await showStats();
    // The figures change while the panel is hidden; they are read when it comes into view.
    window.addEventListener('hashchange', () => {
      if (!root.hidden) void notices.guard('Reading the statistics', showStats);
    });

    async function showStats(): Promise<void> {
      const stats = await db.stats();
      const estimate = await navigator.storage.estimate();
      const facts: [string, string][] = [
        ['keys', integer(stats.keyCount)],
        ['keys and values', byteSize(stats.keyValueBytes)],
        ['used on disk, as the browser says', byteSize(estimate.usage ?? 0)],
        ['version', integer(stats.version)],
        ['records in the log', integer(stats.logTail)],
        ['commits of this tab', integer(stats.committedCount)],
        ['conflicts of this tab', integer(stats.conflictCount)],
        ['watches armed', integer(stats.watchCount)],
      ];
      part(root, '#storage-stats', HTMLElement).replaceChildren(
        ...facts.flatMap(([name, value]) => [element('dt', { text: name }), element('dd', { text: value })]),
      );
    }

    async function showVisits(): Promise<void> {
      const visits = await readVisits(db, session.visitAt, VISITS_SHOWN);
      const body = part(root, '#storage-visits', HTMLTableSectionElement);
      if (visits.length === 0) {
        const cell = element('td', { class: 'nothing-yet', text: 'This is the first one.' });
        cell.colSpan = 3;
        body.replaceChildren(element('tr', {}, [cell]));
        return;
      }
      body.replaceChildren(
        ...visits.map((visit) =>
          element('tr', {}, [
            element('td', { text: dayAndTime(visit.at) }),
            element('td', { class: 'number', text: duration(visit.openMs) }),
            element('td', { class: 'number', text: integer(visit.keyCount) }),
          ]),
        ),
      );
    }

    function startInventory(): void {
      const button = part(root, '#storage-count', HTMLButtonElement);
      const note = part(root, '#storage-count-note', HTMLElement);
      button.addEventListener('click', () => {
        button.disabled = true;
        void notices
          .guard('Counting the keys', async () => {
            const beganMs = performance.now();
            const sizes = await takeInventory(db);
            const tookMs = performance.now() - beganMs;
            const keys = sizes.reduce((sum, size) => sum + size.keys, 0);
            note.textContent = `${integer(keys)} keys read in ${duration(tookMs)}.`;
            part(root, '#storage-inventory', HTMLTableSectionElement).replaceChildren(
              ...sizes.map((size) =>
                element('tr', {}, [
                  element('td', {}, [element('code', { text: size.space })]),
                  element('td', { class: 'number', text: integer(size.keys) }),
                  element('td', { class: 'number', text: byteSize(size.bytes) }),
                ]),
              ),
            );
            part(root, '.inventory', HTMLTableElement).hidden = false;
          })
          .finally(() => {
            button.disabled = false;
          });
      });
    }

    function startErasing(): void {
      const dialog = part(root, '#storage-confirm', HTMLDialogElement);
      part(root, '#storage-erase', HTMLButtonElement).addEventListener('click', () => {
        dialog.returnValue = '';
        dialog.showModal();
      });
      dialog.addEventListener('close', () => {
        if (dialog.returnValue !== 'delete') return;
        session.showState('Deleting…');
        void notices.guard('Deleting everything', () => eraseAndReload(db, notices));
      });
    }
  },
};
