/** Results as Markdown, to be pasted where one argues about them. */

import { workloads } from 'plinthdb-bench/workloads/all';
import { conditions, rate, spread, times } from './figures';
import { entryOf, type Order, workTitle } from './order';
import type { Line, Results } from './results';

export function asMarkdown(results: Results, order: Order, when: Date, where: string): string {
  const titles = order.contestants.map((name) => entryOf(name).title);
  const chosen = workloads.filter(({ id }) => order.workloads.includes(id));
  const found = chosen.flatMap((workload) => results.of(workload, order));
  const failures = chosen.flatMap(({ id }) =>
    results
      .failuresOf(id, order)
      .map(({ title, message }) => `- ${title}, ${workTitle(id)}: ${escaped(message)}`),
  );
  return [
    `| per second | ${titles.join(' | ')} |`,
    `|---|${titles.map(() => '--:|').join('')}`,
    ...found.map(({ part, lines }) => `| ${part.title} | ${lines.map(cell).join(' | ')} |`),
    '',
    'In brackets the least and the largest, and how many times IndexedDB’s own median it is.',
    '',
    ...(failures.length > 0 ? ['Failed:', '', ...failures, ''] : []),
    `${conditions(order)} ${when.toISOString().slice(0, 10)}, ${where}.`,
    '',
  ].join('\n');
}

function cell({ rates, ratio, note }: Line): string {
  if (rates === undefined) return escaped(note);
  const compared = ratio === undefined ? '' : `; ${times(ratio)}`;
  return `${rate(rates.median)} (${spread(rates)}${compared})${note === '' ? '' : ` ${escaped(note)}`}`;
}

/** One line, and nothing that a table would take for its own. */
function escaped(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
}
