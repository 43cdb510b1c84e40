/** The tabs panel: a board and a counter that all tabs share, and trouble made on purpose. */

import { part } from '../dom';
import { duration, integer } from '../format';
import type { Panel } from '../panels';
import { followRows } from '../row-copy';
import { Board, cardsOf } from './board';
import { BoardView } from './board-view';
import { Peer, presentPeers } from './peer';
import { Scoreboard } from './scoreboard';
import { openSpace } from './space';
import markup from './tabs.html?raw';
import './tabs.css';
import { callRace, gatherGone, setToZero, type Tally, tallyOf } from './tally';
import { Trouble } from './trouble';

const RACE_MS = 10_000;
const PRESENCE_EVERY_MS = 1000;
/** The counter changes hundreds of times a second; it is shown as often as one can see it. */
const SHOW_EVERY_MS = 60;

export const tabsPanel: Panel = {
  markup,
  async start(root, session) {
    const { db, notices, tab } = session;
    const space = await openSpace(db);
    const peer = new Peer(db, space, tab, 'tab');
    await peer.arrive();
    await gatherGone(db, space);
    const trouble = new Trouble(session, space, peer);
    part(root, '#tabs-name', HTMLElement).textContent = tab;
    await startBoard();
    startCounter();
    startTrouble();

    async function startBoard(): Promise<void> {
      const board = new Board(db, space.board, tab);
      await board.makeFirst();
      const guard = (doing: string, work: () => Promise<void>): void => void notices.guard(doing, work);
      const status = part(root, '#tabs-board-status', HTMLElement);
      const view = new BoardView(part(root, '#tabs-board', HTMLElement), status, tab, {
        add: (column, text) => guard('Adding the card', () => board.add(column, text)),
        edit: (id, text) => guard('Saving the card', () => board.edit(id, text)),
        delete: (id) => guard('Deleting the card', () => board.delete(id)),
        move: (id, column, before) => guard('Moving the card', () => board.move(id, column, before)),
      });
      const changed = followRows(db, space.board.prefix, (copy) =>
        view.show(cardsOf(space.board, copy.rows())),
      );
      guard('Following the board', () => changed);
    }

    function startCounter(): void {
      const scoreboard = new Scoreboard(root, tab);
      const count = part(root, '#tabs-count', HTMLButtonElement);
      const note = part(root, '#tabs-counted', HTMLElement);
      let tally: Tally | undefined;
      let racedUntil = 0;
      let present: ReadonlySet<string> = new Set([tab]);

      const show = (): void => {
        if (tally !== undefined) scoreboard.show(tally, present);
        count.setAttribute('aria-pressed', String(peer.isCounting));
        count.textContent = peer.isCounting ? 'Stop counting' : 'Count from this tab';
      };
      const run = async (counting: Promise<void>): Promise<void> => {
        show();
        note.textContent = 'Each increment reads the counter, adds one and writes it, in a transaction.';
        await counting;
        show();
        note.textContent =
          `${integer(peer.acknowledged)} increments of this tab were acknowledged; ` +
          `${integer(peer.conflicts)} conflicts, all retried; ` +
          `the longest wait of this run was ${duration(peer.longestMs)}.`;
      };

      const following = followRows(
        db,
        space.count.prefix,
        (copy) => {
          tally = tallyOf(space, copy.rows());
          const { raceUntil } = tally;
          show();
          // Once for each race: who stops in the middle of one has stopped.
          const isNew = raceUntil > Date.now() && raceUntil !== racedUntil;
          racedUntil = raceUntil;
          if (isNew) void notices.guard('Counting', () => run(peer.race(raceUntil)));
        },
        SHOW_EVERY_MS,
      );
      void notices.guard('Following the counter', () => following);

      const lookAround = async (): Promise<void> => {
        present = await presentPeers();
        show();
      };
      setInterval(() => {
        if (!root.hidden) void notices.guard('Looking who is there', lookAround);
      }, PRESENCE_EVERY_MS);
      void notices.guard('Looking who is there', lookAround);

      count.addEventListener('click', () => {
        if (peer.isCounting) void notices.guard('Counting', () => peer.stop());
        else void notices.guard('Counting', () => run(peer.start()));
      });
      part(root, '#tabs-race', HTMLButtonElement).addEventListener('click', () => {
        void notices.guard('Counting', () => callRace(db, space, Date.now() + RACE_MS));
      });
      part(root, '#tabs-zero', HTMLButtonElement).addEventListener('click', () => {
        void notices.guard('Setting the counter to zero', async () => {
          await setToZero(db, space);
          note.textContent = 'Set to zero in all tabs.';
        });
      });
    }

    function startTrouble(): void {
      const report = part(root, '#tabs-report', HTMLElement);
      const seconds = part(root, '#tabs-freeze-seconds', HTMLSelectElement);
      const buttons = [...root.querySelectorAll<HTMLButtonElement>('.trouble button')];
      const say = (text: string): void => {
        report.textContent = text;
      };
      const cause = (selector: string, doing: string, work: () => Promise<void>): void => {
        part(root, selector, HTMLButtonElement).addEventListener('click', (event) => {
          for (const one of buttons) one.disabled = true;
          void notices.guard(doing, work).finally(() => {
            for (const one of buttons) one.disabled = false;
            if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
          });
        });
      };
      cause('#tabs-freeze', 'Freezing this tab', () => trouble.freeze(Number(seconds.value), say));
      cause('#tabs-kill', 'Killing a tab', () => trouble.kill(say));
      cause('#tabs-start', 'Starting a tab without a window', async () => {
        const { name, began } = trouble.workers.start();
        say(`Starting ${name}…`);
        await began;
        say(`${name} has opened the database in a worker, and counts until it is killed.`);
      });
    }
  },
};
