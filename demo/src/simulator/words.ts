/** What is to be seen of a day, in words. */

import { element } from '../dom';
import { integer } from '../format';
import type { Day, Happening } from './day';
import type { Choice, DayView, Verdict } from './simulator.worker';

export function seconds(us: number): string {
  return `${(us / 1e6).toFixed(us < 1e8 ? 3 : 1)} s`;
}

/** “3 peers”: a count with its noun. */
export function counted(count: number, noun: string): string {
  return `${integer(count)} ${noun}${count === 1 ? '' : 's'}`;
}

export function describe({ peers, steps, pauseUs }: Day['scenario']): string {
  return `${counted(peers, 'peer')}; each client does ${counted(steps, 'thing')}, at most ${seconds(pauseUs)} apart.`;
}

/** A list of what the seed has chosen: names, with what each is about. */
export function chips(choices: readonly Choice[]): HTMLElement[] {
  if (choices.length === 0) return [element('li', { class: 'hint', text: 'nothing' })];
  return choices.map(({ name, text }) =>
    element('li', {}, [element('strong', { text: name }), element('span', { text: ` ${text}` })]),
  );
}

/** The whole verdict in a sentence. */
export function sentence(verdict: Verdict): string {
  const { seed, transactions, commits, reads, conflicts, trace } = verdict;
  // On days of false conflicts none can be judged.
  const ofConflicts = conflicts === 0 ? '' : ` and ${counted(conflicts, 'conflict')}`;
  return (
    `Seed ${seed} kept every promise: ${counted(transactions, 'transaction')} attempted; ` +
    `${counted(commits, 'commit')}, ${counted(reads, 'read')}${ofConflicts} judged; trace hash ${trace}.`
  );
}

export function happeningRow(day: Day, { timeUs, lane, kind, what }: Happening): HTMLElement {
  const slot = day.slotOf(lane);
  const nobody = kind === 'death' ? 'the machine' : '';
  const peer = lane === undefined ? nobody : `peer ${lane}`;
  const who = slot === undefined ? peer : `tab ${slot + 1}, ${peer}`;
  return element('li', { class: `happening of-${kind}` }, [
    element('span', { class: 'mono', text: (timeUs / 1e6).toFixed(6) }),
    element('span', { text: who }),
    element('span', { text: what }),
  ]);
}

/** A row for each tab: who is in it, how that is, what it does, and what it has gone through. */
export function tabRows(day: Day): HTMLElement[] {
  return day.tallies.map(({ commits, conflicts, faults }, slot) => {
    const cells: [string, string][] = [
      ['', peerIn(day, slot)],
      ['', doing(day, slot)],
      ['number', integer(commits)],
      ['number', integer(conflicts)],
      ['number', integer(faults)],
    ];
    const head = element('th', { text: `tab ${slot + 1}`, attributes: { scope: 'row' } });
    return element('tr', {}, [head, ...cells.map(([name, text]) => element('td', { class: name, text }))]);
  });
}

function newest(day: Day, slot: number): DayView['appearances'][number] | undefined {
  return day.view?.appearances.findLast((appearance) => appearance.slot === slot);
}

function peerIn(day: Day, slot: number): string {
  const appearance = newest(day, slot);
  if (appearance === undefined) return 'nobody yet';
  const { lane, openUs, endUs } = appearance;
  if (endUs !== undefined) return `peer ${lane} is gone`;
  if (openUs === undefined) return `peer ${lane}, opening`;
  const away = day.view?.aways.findLast((one) => one.lane === lane && one.endUs === undefined);
  return `peer ${lane}, ${away?.how ?? 'open'}`;
}

function doing(day: Day, slot: number): string {
  const appearance = newest(day, slot);
  if (appearance === undefined || appearance.endUs !== undefined) return '–';
  const work = day.view?.work.filter(({ lane }) => lane === appearance.lane) ?? [];
  return (
    work.map(({ workload, count }) => (count === 1 ? workload : `${workload} × ${count}`)).join(', ') || '–'
  );
}
