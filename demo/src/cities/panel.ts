/** The cities panel: puts the loader, the search, the map and the record table together. */

import { dataSet } from 'virtual:cities-data';
import { part } from '../dom';
import { integer } from '../format';
import type { Panel } from '../panels';
import markup from './cities.html?raw';
import type { City } from './city';
import './cities.css';
import { LoadControl } from './load-control';
import { Loaded } from './loaded';
import { CityMap } from './map';
import { RecordTable } from './record';
import { Results } from './results';
import { Search } from './search';

export const citiesPanel: Panel = {
  markup,
  async start(root, session) {
    const { db, notices, timings } = session;
    const map = new CityMap(root, { pick: (cell) => search.pickCell(cell) });
    const record = new RecordTable(root, session);
    let chosen: City | undefined;
    const mark = (city: City | undefined): void => {
      const shown = city ?? chosen;
      map.mark(shown && { point: shown, label: shown.name });
    };
    const results = new Results(part(root, '#cities-results', HTMLOListElement), {
      consider: mark,
      choose: (city) => {
        chosen = city;
        mark(city);
        void notices.guard('Reading the city', () => record.show(city));
      },
      renewed: () => {
        chosen = undefined;
        mark(undefined);
        record.clear();
      },
    });
    const search = new Search(root, session, map, results, dataSet.countries);
    const loaded = new Loaded(db, dataSet.rows, {
      added: (points) => {
        map.addCities(points);
        loadControl.show();
      },
      emptied: () => {
        map.clearCities();
        loadControl.show();
        search.ask();
      },
    });
    const loadControl = new LoadControl(root, session, dataSet, loaded);

    await timings.measure(
      'Read what is there',
      () => loaded.refresh(),
      () => `${integer(loaded.rowCount)} cities`,
    );
    loadControl.show();
    search.ask();
    void notices.guard('Following other tabs', () => loaded.follow());
  },
};
