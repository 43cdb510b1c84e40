/** The simulator panel: a day from a seed, in lanes and words, with its verdict; and many of them. */

import { element, part } from '../dom';
import { integer } from '../format';
import type { Panel } from '../panels';
import { Day } from './day';
import { Lanes } from './lanes';
import { PHASES } from './phases';
import { Panic, Simulator } from './simulator';
import markup from './simulator.html?raw';
import type { Played } from './simulator.worker';
import './simulator.css';
import { soak, type Totals, workerCount } from './soak';
import { chips, counted, describe, happeningRow, seconds, sentence, tabRows } from './words';

/** A day with something of everything. */
const FIRST_SEED = 54n;
const SEED_MAX = 2n ** 64n - 1n;
/** The worker's own; the page draws meanwhile. */
const BUDGET_MS = 25;
/** What passed while nobody looked is not caught up with. */
const FRAME_MS_MAX = 100;
const SHOWN_HAPPENINGS = 30;
const NOBODY = 'Starting the simulator';

export const simulatorPanel: Panel = {
  markup,
  async start(root, { notices }) {
    const seed = part(root, '#simulator-seed', HTMLInputElement);
    const fault = part(root, '#simulator-fault', HTMLSelectElement);
    const speed = part(root, '#simulator-speed', HTMLSelectElement);
    const run = part(root, '#simulator-run', HTMLButtonElement);
    const step = part(root, '#simulator-step', HTMLButtonElement);
    const again = part(root, '#simulator-again', HTMLButtonElement);
    const canvas = part(root, '#simulator-lanes', HTMLCanvasElement);
    const lanes = new Lanes(canvas, part(root, '#simulator-legend', HTMLElement));
    const withCommits = part(root, '#simulator-commits', HTMLInputElement);
    const simulator = new Simulator();
    const phases = PHASES.map(([phase, text]) => {
      const name = element('strong', { text: phase });
      return { phase, item: element('li', {}, [name, element('span', { text })]) };
    });
    part(root, '#simulator-phases', HTMLElement).append(...phases.map(({ item }) => item));

    let day: Day | undefined;
    let isRunning = false;
    /** Of the newest day: what an older one still brings is not wanted any more. */
    let order = 0;
    /** Of those who let the day go on: the newest one does. */
    let turn = 0;
    let beginning: Promise<void> = Promise.resolve();

    for (const { name, text } of await simulator.faults()) fault.append(new Option(text, name));
    seed.value = String(FIRST_SEED);
    await begin();
    startDay();
    startSoak();

    function startDay(): void {
      const guard = (doing: string, work: () => Promise<void>): void => void notices.guard(doing, work);
      part(root, '#simulator-form', HTMLFormElement).addEventListener('submit', (event) => {
        event.preventDefault();
        if (isRunning) pause();
        else guard('Running the day', play);
      });
      step.addEventListener('click', () => guard('Stepping', stepOnce));
      again.addEventListener('click', () => guard(NOBODY, begin));
      part(root, '#simulator-next', HTMLButtonElement).addEventListener('click', () => {
        const next = (seedOf() ?? 0n) + 1n;
        guard('Running the next day', () => playSeed(next > SEED_MAX ? 0n : next));
      });
      for (const field of [seed, fault]) {
        field.addEventListener('change', () => {
          if (seedOf() !== undefined) guard(NOBODY, begin);
        });
      }
      withCommits.addEventListener('change', showHappenings);
    }

    /** The seed that is asked for, or a word to the person. */
    function seedOf(): bigint | undefined {
      const text = seed.value.replaceAll(/[\s,._]/g, '');
      const isGood = /^\d+$/.test(text) && BigInt(text) <= SEED_MAX;
      seed.setAttribute('aria-invalid', String(!isGood));
      part(root, '#simulator-seed-error', HTMLElement).textContent = isGood
        ? ''
        : 'A seed is a whole number below 2 to the power of 64.';
      return isGood ? BigInt(text) : undefined;
    }

    /** Sets the stage for the day of the seed that is asked for; whoever plays it waits until then. */
    function begin(): Promise<void> {
      const wanted = seedOf();
      if (wanted === undefined) return Promise.resolve();
      pause();
      beginning = setTheStage(wanted);
      return beginning;
    }

    async function setTheStage(wanted: bigint): Promise<void> {
      order += 1;
      const own = order;
      const scenario = await simulator.begin(wanted, fault.value);
      if (own !== order) return;
      day = new Day(scenario);
      part(root, '#simulator-workloads', HTMLElement).replaceChildren(...chips(scenario.workloads));
      part(root, '#simulator-hazards', HTMLElement).replaceChildren(...chips(scenario.hazards));
      part(root, '#simulator-scenario', HTMLElement).textContent = describe(scenario);
      show();
    }

    async function playSeed(wanted: bigint): Promise<void> {
      seed.value = String(wanted);
      await begin();
      await play();
    }

    async function stepOnce(): Promise<void> {
      if (seedOf() === undefined) return;
      pause();
      await beginning.catch(begin);
      if (day === undefined || day.isOver) await begin();
      await advance(() => simulator.step());
    }

    function pause(): void {
      isRunning = false;
      showButtons();
    }

    async function play(): Promise<void> {
      if (seedOf() === undefined) return;
      await beginning.catch(begin);
      if (day === undefined || day.isOver) await begin();
      isRunning = true;
      showButtons();
      turn += 1;
      const own = turn;
      let nowUs = day?.view?.nowUs ?? 0;
      let lastMs = performance.now();
      try {
        while (isRunning && own === turn) {
          const frameMs = await nextFrame();
          const passedMs = Math.min(FRAME_MS_MAX, Math.max(0, frameMs - lastMs));
          lastMs = frameMs;
          // Nobody looks.
          if (root.hidden) continue;
          const rate = Number(speed.value);
          const untilUs = Number.isFinite(rate) ? nowUs + 1000 * rate * passedMs : Number.POSITIVE_INFINITY;
          const played = await advance(() => simulator.play(untilUs, BUDGET_MS));
          if (played === undefined || played.verdict !== undefined) break;
          nowUs = played.isBehind ? played.view.nowUs : untilUs;
        }
      } finally {
        if (own === turn) pause();
      }
    }

    /** What came of it, or nothing if it ended in a panic, or if the day is another one by now. */
    async function advance(work: () => Promise<Played>): Promise<Played | undefined> {
      const [own, played] = [order, day];
      try {
        const result = await work();
        if (own !== order) return undefined;
        played?.add(result.view, result.verdict);
        show();
        return result;
      } catch (error) {
        if (!(error instanceof Panic)) throw error;
        if (own === order && played !== undefined) {
          played.violation = error.message;
          show();
        }
        return undefined;
      }
    }

    function show(): void {
      if (day === undefined) return;
      const { view, verdict } = day;
      lanes.show(day);
      const at = phases.findIndex(({ phase }) => phase === (view?.phase ?? 'set up'));
      for (const [index, { item }] of phases.entries()) {
        item.classList.toggle('is-done', index < at || (day.isOver && index <= at));
        if (index === at && !day.isOver) item.setAttribute('aria-current', 'step');
        else item.removeAttribute('aria-current');
      }
      say('time', seconds(view?.nowUs ?? 0));
      say('transactions', integer(view?.transactions ?? 0));
      say('expectations', integer(view?.expectations ?? 0));
      say('broken', day.violation === undefined ? '0' : '1');
      part(root, '#simulator-tabs', HTMLElement).replaceChildren(...tabRows(day));
      showHappenings();
      showVerdict(day);
      canvas.setAttribute(
        'aria-label',
        `${counted(day.scenario.peers, 'tab')} over ${seconds(view?.nowUs ?? 0)}; the table below has the figures.`,
      );
      const isOver = verdict !== undefined || day.violation !== undefined;
      if (isOver) isRunning = false;
      showButtons();
    }

    function showVerdict({ view, verdict, violation, scenario }: Day): void {
      const box = part(root, '#simulator-verdict', HTMLElement);
      box.classList.toggle('is-kept', violation === undefined && verdict !== undefined);
      box.classList.toggle('is-broken', violation !== undefined);
      const soFar = view === undefined ? `Seed ${scenario.seed} has not begun.` : 'Nothing wrong so far.';
      const kept = verdict === undefined ? soFar : sentence(verdict);
      const text = violation === undefined ? kept : broken(scenario.seed, violation);
      // Only what is new is read to those who can't see it.
      if (box.textContent !== text) box.textContent = text;
    }

    function showHappenings(): void {
      if (day === undefined) return;
      const one = day;
      const wanted = one.latest.filter(({ kind }) => withCommits.checked || kind !== 'commit');
      const rows = wanted.slice(-SHOWN_HAPPENINGS).reverse();
      const list = part(root, '#simulator-events', HTMLElement);
      list.replaceChildren(...rows.map((happening) => happeningRow(one, happening)));
    }

    function showButtons(): void {
      const isBegun = day?.view !== undefined;
      run.textContent = isRunning ? 'Pause' : isBegun && day?.isOver === false ? 'Go on' : 'Run';
      again.disabled = !isBegun;
    }

    function say(what: string, text: string): void {
      part(root, `#simulator-${what}`, HTMLElement).textContent = text;
    }

    function startSoak(): void {
      const toggle = part(root, '#simulator-soak', HTMLButtonElement);
      const replay = part(root, '#simulator-replay', HTMLButtonElement);
      let stopping: AbortController | undefined;
      let found: { seed: bigint; fault: string } | undefined;
      const showToggle = (): void => {
        toggle.textContent = stopping === undefined ? 'Run many seeds' : 'Stop';
        toggle.setAttribute('aria-pressed', String(stopping !== undefined));
      };

      toggle.addEventListener('click', () => {
        if (stopping !== undefined) {
          stopping.abort();
          return;
        }
        const first = seedOf();
        if (first === undefined) return;
        void notices.guard('Running many seeds', () => runMany(first, fault.value));
      });
      replay.addEventListener('click', () => {
        if (found === undefined) return;
        const { seed: wanted, fault: planted } = found;
        fault.value = planted;
        canvas.scrollIntoView({ block: 'center' });
        void notices.guard('Running the day', () => playSeed(wanted));
      });

      async function runMany(first: bigint, planted: string): Promise<void> {
        const status = part(root, '#simulator-soak-status', HTMLElement);
        stopping = new AbortController();
        replay.hidden = true;
        showToggle();
        const { signal } = stopping;
        status.textContent = `Running from seed ${first} on, ${integer(workerCount())} at a time…`;
        let newest = first;
        try {
          const result = await soak(first, planted, signal, (totals, at) => {
            newest = at > newest ? at : newest;
            showTotals(totals);
          });
          if (result === undefined) {
            status.textContent = `Stopped at seed ${newest}: no promise was broken.`;
          } else {
            found = { seed: result.seed, fault: planted };
            status.textContent = broken(String(result.seed), result.violation);
            replay.hidden = false;
          }
        } catch (error) {
          status.textContent = 'It did not run.';
          throw error;
        } finally {
          stopping = undefined;
          showToggle();
        }
      }
    }

    function showTotals({ runs, transactions, commits, reads, virtualUs, ms }: Totals): void {
      say('soak-runs', integer(runs));
      say('soak-transactions', integer(transactions));
      say('soak-commits', integer(commits));
      say('soak-reads', integer(reads));
      say('soak-hours', (virtualUs / 3.6e9).toFixed(2));
      say('soak-rate', integer((1000 * transactions) / Math.max(1, ms)));
    }
  },
};

function broken(seed: string, violation: string): string {
  return `Seed ${seed} broke a promise: ${violation}`;
}

function nextFrame(): Promise<number> {
  return new Promise((resolve) => requestAnimationFrame(resolve));
}
