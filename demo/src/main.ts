import { init, open } from 'plinthdb';
import './style.css';
import { part } from './dom';
import { duration, integer } from './format';
import { Notices } from './notices';
import { type PanelEntry, Panels } from './panels';
import { DATABASE_NAME, makeTabName, type Session } from './session';
import { eraseUnopenable } from './storage/erase';
import { Timings } from './timings';
import { addVisit } from './visits';

const PANELS: readonly PanelEntry[] = [
  { id: 'cities', title: 'Cities', load: async () => (await import('./cities/panel')).citiesPanel },
  { id: 'tabs', title: 'Tabs', load: async () => (await import('./tabs/panel')).tabsPanel },
  {
    id: 'conflicts',
    title: 'Conflicts',
    load: async () => (await import('./conflicts/panel')).conflictsPanel,
  },
  { id: 'explorer', title: 'Explorer', load: async () => (await import('./explorer/panel')).explorerPanel },
  {
    id: 'benchmarks',
    title: 'Benchmarks',
    load: async () => (await import('./benchmarks/panel')).benchmarksPanel,
  },
  {
    id: 'simulator',
    title: 'Simulator',
    load: async () => (await import('./simulator/panel')).simulatorPanel,
  },
  { id: 'storage', title: 'Storage', load: async () => (await import('./storage/panel')).storagePanel },
];

const state = part(document, '#database-state', HTMLElement);
const notices = new Notices(part(document, '#notices', HTMLElement));
const timings = new Timings();
const showState = (text: string): void => {
  state.textContent = text;
};

async function begin(): Promise<Session> {
  timings.add({ name: 'Fetch the page', detail: '', beginMs: 0, endMs: performance.now() });
  await timings.measure('Start WebAssembly', () => init());
  const beganMs = performance.now();
  const db = await timings.measure('Open the database', () => open(DATABASE_NAME));
  const openMs = performance.now() - beganMs;
  const { keyCount } = await db.stats();
  const found = keyCount === 0 ? 'New and empty' : `${integer(keyCount)} keys found`;
  showState(`${found}, opened in ${duration(openMs)}`);
  const visit = { at: Date.now(), openMs, keyCount };
  await addVisit(db, visit);
  return { db, notices, timings, tab: makeTabName(), visitAt: visit.at, showState };
}

const session = begin();
session.catch((error: unknown) => {
  showState('Not open');
  notices.show('Opening the database', error);
  eraseUnopenable(part(document, '#notices', HTMLElement), notices);
});
new Panels(
  part(document, '#panels', HTMLElement),
  part(document, '#panel-links', HTMLElement),
  PANELS,
  notices,
  session,
);
