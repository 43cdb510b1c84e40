/**
 * Where a city lives in the key space.
 *
 *   city/ID                 the record: the line of the data file
 *   name/NAME\0ID           by normalized name
 *   country/CC/NAME\0ID     by country, then name
 *   grid/ROW/COLUMN\0ID     by cell of five degrees
 *   batch/NUMBER            the points of one loaded batch; its presence says "loaded"
 *   data                    what is being loaded (`StoredData`)
 *   latest                  number of the batch loaded last, for watches
 *
 * Index entries hold the packed point. IDs have six digits, so their order is numeric.
 * Every key stays below 64 bytes.
 */

import { toBytes } from '../bytes';
import type { City } from './city';
import { normalize } from './normalize';
import type { Point } from './points';

export const DATA_KEY = 'data';
export const LATEST_KEY = 'latest';
export const KEY_SPACES = ['city/', 'name/', 'country/', 'grid/', 'batch/'] as const;
export const KEYS_PER_CITY = 4;

/** The value at `data`. */
export interface StoredData {
  version: string;
  /** New with every load that begins from nothing. */
  load: string;
}

export const CELL_DEGREES = 5;
const NAME_BYTES_MAX = 44;

export interface Cell {
  /** From the south pole up. */
  row: number;
  /** From the date line eastwards. */
  column: number;
}

export function cellAt({ lat, lng }: Point): Cell {
  const rows = 180 / CELL_DEGREES;
  const columns = 360 / CELL_DEGREES;
  return {
    row: Math.min(rows - 1, Math.floor((lat + 90) / CELL_DEGREES)),
    column: Math.min(columns - 1, Math.floor((lng + 180) / CELL_DEGREES)),
  };
}

/** A normalized name, cut between characters where it would make the key too long. */
export function indexName(name: string): string {
  const normalized = normalize(name);
  if (normalized.length <= NAME_BYTES_MAX / 3) return normalized;
  let cut = '';
  let bytes = 0;
  for (const character of normalized) {
    bytes += toBytes(character).length;
    if (bytes > NAME_BYTES_MAX) break;
    cut += character;
  }
  return cut;
}

export function cityKey(id: number): string {
  return `city/${digits(id, 6)}`;
}

export function batchKey(number: number): string {
  return `batch/${digits(number, 6)}`;
}

export function cellPrefix(cell: Cell): string {
  return `grid/${digits(cell.row, 2)}/${digits(cell.column, 2)}`;
}

export interface CityKeys {
  record: string;
  indexes: string[];
}

export function keysOf(city: City): CityKeys {
  const id = digits(city.id, 6);
  const name = indexName(city.name);
  return {
    record: cityKey(city.id),
    indexes: [
      `name/${name}\0${id}`,
      `country/${city.country}/${name}\0${id}`,
      `${cellPrefix(cellAt(city))}\0${id}`,
    ],
  };
}

/** The id at the end of an index key. */
export function idOf(indexKey: Uint8Array): number {
  let id = 0;
  for (const digit of indexKey.subarray(-6)) id = id * 10 + (digit - 0x30);
  return id;
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
