/** The conflict lab: two transactions, stepped by hand, and what the engine makes of them. */

import { open } from 'plinthdb';
import { button, part } from '../dom';
import type { Panel } from '../panels';
import markup from './conflicts.html?raw';
import './conflicts.css';
import { History } from './history';
import { KeyLine } from './key-line';
import { showRange } from './ranges';
import { type Replay, replay } from './replay';
import { SCENARIOS, type Scenario } from './scenarios';
import { StepForm } from './step-form';
import { attemptOf, keysIn, type Operation, SIDES, type Side, type Step } from './steps';

/** In memory: the lab is this tab's own, and is gone with it. */
const LAB_DATABASE = 'memory:conflict-lab';
const KEY_LIST = 'conflicts-keys';

export const conflictsPanel: Panel = {
  markup,
  async start(root, { notices }) {
    const db = await open(LAB_DATABASE);
    const [first] = SCENARIOS;
    if (first === undefined) throw new Error('the lab has no scenario');
    let scenario: Scenario = first;
    let steps: readonly Step[] = first.steps;
    let position = steps.length;
    let isRunning = false;
    let isStale = false;

    const keyLine = new KeyLine(
      part(root, '#conflicts-line', HTMLElement),
      part(root, '#conflicts-ranges', HTMLElement),
    );
    const history = new History(part(root, '#conflicts-history', HTMLOListElement), goTo);
    const forms = Object.fromEntries(
      SIDES.map((side) => [
        side,
        new StepForm(part(root, `#conflicts-${side}`, HTMLElement), side, KEY_LIST, {
          act: (operation) => append([{ side, operation }]),
          retry: () => retry(side),
        }),
      ]),
    ) as Record<Side, StepForm>;
    const choices = part(root, '#conflicts-scenarios', HTMLElement);
    const chooser = new Map(
      SCENARIOS.map((one) => [one, button(one.title, () => choose(one), { class: 'choice' })]),
    );
    choices.append(...chooser.values());
    const moves: [string, () => number][] = [
      ['#conflicts-begin', () => 0],
      ['#conflicts-back', () => position - 1],
      ['#conflicts-step', () => position + 1],
      ['#conflicts-end', () => steps.length],
    ];
    for (const [selector, target] of moves) {
      part(root, selector, HTMLButtonElement).addEventListener('click', () => goTo(target()));
    }
    await run();

    function choose(chosen: Scenario): void {
      scenario = chosen;
      steps = chosen.steps;
      for (const side of SIDES) forms[side].empty();
      goTo(steps.length);
    }

    function goTo(target: number): void {
      position = Math.min(steps.length, Math.max(0, target));
      void notices.guard('Running the history', run);
    }

    /** From the state that is shown: what was ahead of it is another history now. */
    function append(more: readonly Step[]): void {
      steps = [...steps.slice(0, position), ...more];
      goTo(steps.length);
    }

    function retry(side: Side): void {
      const again: Operation[] = [
        { kind: 'retry' },
        ...attemptOf(side, steps.slice(0, position)).map(({ operation }) => operation),
        { kind: 'commit' },
      ];
      append(again.map((operation) => ({ side, operation })));
    }

    /** One at a time, on the newest history. */
    async function run(): Promise<void> {
      isStale = true;
      if (isRunning) return;
      isRunning = true;
      try {
        while (isStale) {
          isStale = false;
          const result = await replay(db, scenario.initial, steps.slice(0, position));
          if (!isStale) show(result);
        }
      } finally {
        isRunning = false;
      }
    }

    function show(result: Replay): void {
      for (const [one, made] of chooser) made.setAttribute('aria-pressed', String(one === scenario));
      part(root, '#conflicts-explanation', HTMLElement).textContent = scenario.explanation;
      const names = new Set([
        ...scenario.initial.map(([key]) => key),
        ...steps.flatMap(({ operation }) => keysIn(operation)),
      ]);
      keyLine.show([...names], result);
      history.show(steps, result.outcomes);
      for (const side of SIDES) forms[side].show(result.sides[side]);
      part(root, '#conflicts-verdict', HTMLElement).replaceChildren(...verdict(result));
      part(root, `#${KEY_LIST}`, HTMLDataListElement).replaceChildren(
        ...[...names].sort().map((name) => new Option(name)),
      );
      part(root, '#conflicts-position', HTMLElement).textContent = `${position} of ${steps.length}`;
      part(root, '#conflicts-begin', HTMLButtonElement).disabled = position === 0;
      part(root, '#conflicts-back', HTMLButtonElement).disabled = position === 0;
      part(root, '#conflicts-step', HTMLButtonElement).disabled = position === steps.length;
      part(root, '#conflicts-end', HTMLButtonElement).disabled = position === steps.length;
    }
  },
};

/** What the engine has decided so far, in a sentence for each transaction. */
function verdict({ sides }: Replay): Node[] {
  return SIDES.flatMap((side) => {
    const { state, conflicts, writes } = sides[side];
    if (state === 'not begun' || state === 'open') return [];
    const line = document.createElement('p');
    line.className = state === 'committed' ? 'is-good' : 'is-bad';
    if (state === 'committed') {
      line.textContent = writes.length === 0 ? `${side} committed; it wrote nothing.` : `${side} committed.`;
    } else {
      const ranges = conflicts.map(showRange).join(', ');
      line.textContent = `${side} was refused: in ${ranges}, which it had read, another transaction has written since.`;
    }
    return [line];
  });
}
