/** The place of the speed table in the README: between two marks, empty until a run is pasted there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { places } from './places.ts';
import { SPEED_HEAD } from './report.ts';

const BEGIN = '<!-- speed: written by `cargo xtask bench --readme` -->';
const END = '<!-- /speed -->';

/** The sections of a text around the table, and the table. */
interface Divided {
  before: string;
  table: string;
  after: string;
}

export function pasteIntoReadme(table: string): void {
  const { before, after } = divided(readReadme());
  const text = `${before}${BEGIN}\n${table}\n${END}${after}`;
  checkForm(text);
  writeFileSync(readmeFile(), text);
}

/** Throws unless the README has the place, and in it nothing or a table of this form. */
export function checkReadme(): void {
  checkForm(readReadme());
}

export function checkForm(readme: string): void {
  const { table } = divided(readme);
  if (table === '') return;
  const lines = table.split('\n');
  if (lines[0] !== SPEED_HEAD)
    throw new Error(
      `the README's speed table was to begin with\n${SPEED_HEAD}\nand begins with\n${lines[0]}`,
    );
  const cells = SPEED_HEAD.split('|').length;
  const rows = lines.filter((line) => line.startsWith('|'));
  const wrong = rows.find((line) => line.split('|').length !== cells);
  if (wrong !== undefined)
    throw new Error(`a line of the README's speed table has not ${cells - 2} cells:\n${wrong}`);
  if (rows.length < 3) throw new Error("the README's speed table has no lines");
}

function divided(readme: string): Divided {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the README has no place for the table: ${BEGIN} … ${END}`);
  return {
    before: readme.slice(0, begin),
    table: readme.slice(begin + BEGIN.length, end).trim(),
    after: readme.slice(end + END.length),
  };
}

function readmeFile(): string {
  return join(places.repository, 'README.md');
}

function readReadme(): string {
  return readFileSync(readmeFile(), 'utf8');
}
