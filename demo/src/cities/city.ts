/** A city, and the line of the data file that is also its stored value. */

import { toText } from '../bytes';

export interface City {
  /** Its line number in the data file. */
  id: number;
  name: string;
  /** ISO 3166 code, two letters. */
  country: string;
  region: string;
  lat: number;
  lng: number;
}

type Line = [name: string, country: string, region: string, lat: number, lng: number];

export function parseCity(id: number, line: string): City {
  const [name, country, region, lat, lng] = JSON.parse(line) as Line;
  return { id, name, country, region, lat, lng };
}

export function decodeCity(id: number, value: Uint8Array): City {
  return parseCity(id, toText(value));
}
