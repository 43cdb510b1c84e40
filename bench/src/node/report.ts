/** Results as Markdown: the table for the README, and everything. */
import { type ContestantName, contestantNames, entryOf } from '../catalogue.ts';
import type { Durability } from '../contestant.ts';
import { type Part, parts } from '../parts.ts';
import { type Summary, summarize } from '../statistics.ts';
import { verdicts } from './goals.ts';
import type { Results, Series, Unit } from './results.ts';

/** The head of the README's table; its form is checked by it. */
export const SPEED_HEAD =
  '| | durability | Plinth | spread | IndexedDB | best other | × IndexedDB | × best other | in memory |';

/** The README's table: Plinth, IndexedDB, the best of the others, and what it costs in memory. */
export function speedTable(results: Results): string {
  const lines = [SPEED_HEAD, '|---|---|--:|--:|--:|--:|--:|--:|--:|'];
  for (const part of parts) {
    for (const plinth of seriesOf(results, part.id).filter(({ contestant }) => contestant === 'plinth')) {
      lines.push(speedLine(results, part, plinth));
    }
  }
  const sizes = results.packageSizes.filter(({ what }) => what.startsWith('Plinth'));
  const kB = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;
  const text = sizes.map(
    ({ what, gzip, brotli }) => `${what}: ${kB(gzip)} gzipped, ${kB(brotli)} with brotli`,
  );
  return [...lines, '', conditions(results), ...(text.length > 0 ? ['', `${text.join('. ')}.`] : [])].join(
    '\n',
  );
}

/** Everything that was measured. */
export function fullReport(results: Results): string {
  const goals = verdicts(results).map(
    ({ goal, found, isMet }) => `| ${goal} | ${found} | ${isMet ? 'yes' : '**no**'} |`,
  );
  const failures = results.failures.map(
    ({ part, contestant, message }) => `- ${part}, ${contestant}: ${message.split('\n')[0]}`,
  );
  return [
    '# Speed',
    '',
    speedTable(results),
    '',
    '## Goals',
    '',
    '| goal | found | met |',
    '|---|--:|---|',
    ...goals,
    '',
    '## All contestants',
    '',
    'Medians, with the least and the largest of the rounds.',
    '',
    ...everyone(results),
    '',
    '## Packages',
    '',
    '| | minified | gzip | brotli |',
    '|---|--:|--:|--:|',
    ...results.packageSizes.map(
      ({ what, bytes, gzip, brotli }) =>
        `| ${what} | ${[bytes, gzip, brotli].map((size) => `${(size / 1000).toFixed(1)} kB`).join(' | ')} |`,
    ),
    ...(failures.length > 0 ? ['', '## Failures', '', ...failures] : []),
    '',
  ].join('\n');
}

function speedLine(results: Results, part: Part, plinth: Series): string {
  const { durability, unit } = plinth;
  const rivals = seriesOf(results, part.against ?? part.id).filter(
    (series) => series.contestant !== 'plinth' && series.durability === durability,
  );
  const raw = rivals.find(({ contestant }) => contestant === 'raw-indexeddb');
  const [best] = rivals
    .filter((series) => series !== raw)
    .sort((left, right) => compare(unit, summarize(left.samples).median, summarize(right.samples).median));
  const [floor] = seriesOf(results, part.id)
    .filter((series) => series.durability === 'none')
    .sort((left, right) => compare(unit, summarize(right.samples).median, summarize(left.samples).median));
  const ours = summarize(plinth.samples);
  const cells = [
    part.title,
    isDurabilityShown(part) ? durability : '',
    value(ours.median, unit),
    spread(ours, unit),
    raw ? value(summarize(raw.samples).median, unit) : '',
    best ? `${value(summarize(best.samples).median, unit)} (${entryOf(best.contestant).title})` : '',
    raw ? ratio(unit, ours, summarize(raw.samples)) : '',
    best ? ratio(unit, ours, summarize(best.samples)) : '',
    floor ? `${value(summarize(floor.samples).median, unit)} (${entryOf(floor.contestant).title})` : '',
  ];
  return `| ${cells.join(' | ')} |`;
}

function everyone(results: Results): string[] {
  const columns: { name: ContestantName; durability: Durability }[] = contestantNames.flatMap((name) =>
    entryOf(name).durabilities.map((durability) => ({ name, durability })),
  );
  const used = columns.filter(({ name, durability }) =>
    results.series.some((series) => series.contestant === name && series.durability === durability),
  );
  const titles = used.map(
    ({ name, durability }) => `${entryOf(name).title}${durability === 'none' ? '' : `, ${durability}`}`,
  );
  const lines = [`| | ${titles.join(' | ')} |`, `|---|${used.map(() => '--:|').join('')}`];
  for (const part of parts) {
    const all = seriesOf(results, part.id);
    if (all.length === 0) continue;
    const cells = used.map(({ name, durability }) => {
      const found = all.find((series) => series.contestant === name && series.durability === durability);
      if (found === undefined) return absence(part, name);
      const summary = summarize(found.samples);
      return `${value(summary.median, found.unit)} (${spread(summary, found.unit)})`;
    });
    lines.push(`| ${part.title} | ${cells.join(' | ')} |`);
  }
  return lines;
}

/** Why there is no number, if there is a reason. */
function absence(part: Part, name: ContestantName): string {
  const { absent } = entryOf(name);
  return absent[part.id] ?? absent[part.id.split(/[ ,]/)[0] ?? ''] ?? '';
}

function conditions(results: Results): string {
  const { sizes, rounds, browser, versions } = results;
  const count = (number: number) => number.toLocaleString('en-US');
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return (
    `Medians of ${rounds} interleaved rounds in Chromium ${browser}, ${results.date.slice(0, 10)}: ${count(sizes.rows)} rows, ` +
    `16-byte keys, 100-byte random values; ${count(sizes.operations)} commits, ${count(sizes.reads)} reads. ` +
    `Durability is IndexedDB's where a contestant stores there. ${packages.join(', ')}.`
  );
}

function isDurabilityShown({ id }: Part): boolean {
  return /^W([1267]|9 commits)/.test(id) && !id.endsWith('task');
}

function seriesOf(results: Results, part: string): Series[] {
  return results.series.filter((series) => series.part === part);
}

/** The better one first. */
function compare(unit: Unit, left: number, right: number): number {
  return unit === '/s' ? right - left : left - right;
}

function ratio(unit: Unit, ours: Summary, theirs: Summary): string {
  const times = unit === '/s' ? ours.median / theirs.median : theirs.median / ours.median;
  return times < 0 || !Number.isFinite(times) ? '' : times.toFixed(times < 10 ? 1 : 0);
}

function spread({ min, max }: Summary, unit: Unit): string {
  return `${bare(min, unit)}–${bare(max, unit)}`;
}

function value(number: number, unit: Unit): string {
  return `${bare(number, unit)}${unit === '/s' ? '/s' : ` ${unit}`}`;
}

function bare(number: number, unit: Unit): string {
  if (unit === '/s') return Number(number.toPrecision(3)).toLocaleString('en-US');
  return number.toFixed(Math.abs(number) < 10 ? 2 : 0);
}
