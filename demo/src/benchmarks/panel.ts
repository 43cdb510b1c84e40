/** The benchmark, run by whoever looks at it. */

import { element, part } from '../dom';
import { duration, integer } from '../format';
import type { Panel } from '../panels';
import markup from './benchmarks.html?raw';
import './benchmarks.css';
import { cleanLeftovers, hold } from './contest';
import { conditions } from './figures';
import { asMarkdown } from './markdown';
import { CONTESTANTS, type CommitDurability, entryOf, type Order, ROW_COUNTS, WORK } from './order';
import { Results } from './results';
import { ResultsView } from './results-view';

/** Those that are asked for unless a person asks for others. */
const USUAL = ['plinth', 'raw-indexeddb', 'dexie'];
const USUAL_ROWS = 10_000;

export const benchmarksPanel: Panel = {
  markup,
  async start(root, { notices }) {
    const form = part(root, '#benchmarks-form', HTMLFormElement);
    const run = part(root, '#benchmarks-run', HTMLButtonElement);
    const stop = part(root, '#benchmarks-stop', HTMLButtonElement);
    const copy = part(root, '#benchmarks-copy', HTMLButtonElement);
    const status = part(root, '#benchmarks-status', HTMLElement);
    const progress = part(root, '#benchmarks-progress', HTMLElement);
    const view = new ResultsView(part(root, '#benchmarks-results', HTMLElement));
    const contestants = choices(
      part(root, '#benchmarks-contestants', HTMLElement),
      CONTESTANTS.map((name) => ({
        id: name,
        title: entryOf(name).title,
        detail: '',
        isChosen: USUAL.includes(name),
      })),
    );
    const work = choices(
      part(root, '#benchmarks-workloads', HTMLElement),
      WORK.map((one) => ({ ...one, isChosen: true })),
    );
    const rows = part(root, '#benchmarks-rows', HTMLSelectElement);
    rows.append(
      ...ROW_COUNTS.map((count) => {
        const isUsual = count === USUAL_ROWS;
        return new Option(integer(count), String(count), isUsual, isUsual);
      }),
    );

    let shown: { results: Results; order: Order; when: Date } | undefined;
    let stopping = new AbortController();
    stop.addEventListener('click', () => stopping.abort());
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void notices.guard('Running the benchmark', () => compete(ordered()));
    });
    copy.addEventListener('click', () => {
      if (shown === undefined) return;
      const { results, order, when } = shown;
      void notices.guard('Copying the results', async () => {
        await navigator.clipboard.writeText(asMarkdown(results, order, when, place()));
        status.textContent = 'Copied.';
      });
    });
    for (const set of [contestants, work]) set.root.addEventListener('change', allow);
    await cleanLeftovers();

    function ordered(): Order {
      return {
        contestants: CONTESTANTS.filter((name) => contestants.chosen().includes(name)),
        workloads: work.chosen(),
        rows: Number(rows.value),
        rounds: Number(part(root, '#benchmarks-rounds', HTMLSelectElement).value),
        durability: part(root, '#benchmarks-durability', HTMLSelectElement).value as CommitDurability,
      };
    }

    /** Without contestants or work there is nothing to run. */
    function allow(): void {
      run.disabled = contestants.chosen().length === 0 || work.chosen().length === 0;
    }

    async function compete(order: Order): Promise<void> {
      const results = new Results();
      const beganMs = performance.now();
      const took = (): string => duration(performance.now() - beganMs);
      stopping = new AbortController();
      shown = { results, order, when: new Date() };
      view.begin(results, order);
      const summary = part(root, '#benchmarks-conditions', HTMLElement);
      summary.textContent = conditions(order);
      setRunning(true);
      try {
        await hold(
          order,
          results,
          {
            turn(done, all, what) {
              const bar = part(root, '#benchmarks-bar', HTMLProgressElement);
              bar.max = all;
              bar.value = done;
              part(root, '#benchmarks-turn', HTMLElement).textContent = `${done} of ${all} turns. ${what}.`;
            },
            measured(workload) {
              summary.hidden = false;
              copy.disabled = false;
              view.show(workload);
            },
          },
          stopping.signal,
        );
        status.textContent = `Finished in ${took()}.`;
      } catch (error) {
        status.textContent = stopping.signal.aborted ? `Stopped after ${took()}.` : 'It did not run.';
        if (!stopping.signal.aborted) throw error;
      } finally {
        setRunning(false);
      }
    }

    function setRunning(isRunning: boolean): void {
      // Whoever has pressed one of the two goes on with the other.
      const hadFocus = document.activeElement === run || document.activeElement === stop;
      for (const set of form.querySelectorAll('fieldset')) set.disabled = isRunning;
      run.disabled = isRunning;
      stop.disabled = !isRunning;
      progress.hidden = !isRunning;
      if (isRunning) {
        copy.disabled = true;
        status.textContent = 'Running…';
        part(root, '#benchmarks-turn', HTMLElement).textContent = 'Loading the contestants.';
        part(root, '#benchmarks-bar', HTMLProgressElement).value = 0;
      }
      if (hadFocus) (isRunning ? stop : run).focus();
    }
  },
};

interface Choice {
  id: string;
  title: string;
  detail: string;
  isChosen: boolean;
}

function choices(root: HTMLElement, all: readonly Choice[]): { root: HTMLElement; chosen(): string[] } {
  const boxes = all.map(({ id, title, detail, isChosen }) => {
    const box = element('input', { attributes: { type: 'checkbox', value: id } });
    box.checked = isChosen;
    const words = element('span', { text: title });
    if (detail !== '') words.append(element('span', { class: 'hint', text: ` ${detail}` }));
    root.append(element('label', { class: 'option' }, [box, words]));
    return box;
  });
  return { root, chosen: () => boxes.filter(({ checked }) => checked).map(({ value }) => value) };
}

/** Where it ran: the browser as it names itself, and the cores it may use. */
function place(): string {
  return `${navigator.hardwareConcurrency} cores, ${navigator.userAgent}`;
}
