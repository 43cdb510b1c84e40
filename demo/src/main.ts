import { init, open } from 'plinthdb';
import './style.css';
import { citiesPanel } from './cities/panel';
import { part } from './dom';
import { duration } from './format';
import { Notices } from './notices';
import { Panels } from './panels';
import { DATABASE_NAME, makeTabName } from './session';
import { eraseUnopenable } from './storage/erase';
import { storagePanel } from './storage/panel';
import { tabsPanel } from './tabs/panel';
import { Timings } from './timings';

const state = part(document, '#database-state', HTMLElement);
const notices = new Notices(part(document, '#notices', HTMLElement));
const timings = new Timings();
const panels = new Panels(
  part(document, '#panels', HTMLElement),
  part(document, '#panel-links', HTMLElement),
  [citiesPanel, tabsPanel, storagePanel],
);
const showState = (text: string): void => {
  state.textContent = text;
};

timings.add({ name: 'Fetch the page', detail: '', beginMs: 0, endMs: performance.now() });
try {
  await timings.measure('Start WebAssembly', () => init());
  const beganMs = performance.now();
  const db = await timings.measure('Open the database', () => open(DATABASE_NAME));
  showState(`Open in ${duration(performance.now() - beganMs)}`);
  await panels.start({ db, notices, timings, tab: makeTabName(), showState });
} catch (error) {
  showState('Not open');
  notices.show('Opening the database', error);
  eraseUnopenable(part(document, '#notices', HTMLElement), notices);
}
