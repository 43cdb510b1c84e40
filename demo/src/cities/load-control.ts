/** The offer to load, the progress bar and the line that says how much is there. */

import { part } from '../dom';
import { byteSize, integer } from '../format';
import type { Session } from '../session';
import { KEYS_PER_CITY } from './keys';
import { beginLoad, type DataSet, loadCities } from './load';
import type { Loaded } from './loaded';

export class LoadControl {
  readonly #session: Session;
  readonly #dataSet: DataSet;
  readonly #loaded: Loaded;
  readonly #offer: HTMLElement;
  readonly #offerText: HTMLElement;
  readonly #load: HTMLButtonElement;
  readonly #progress: HTMLElement;
  readonly #bar: HTMLProgressElement;
  readonly #text: HTMLElement;
  readonly #rate: HTMLElement;
  readonly #caption: HTMLElement;
  #abort: AbortController | undefined;
  #beganMs = 0;
  #rowsAtBegin = 0;
  #fetchedBytes = 0;

  constructor(root: HTMLElement, session: Session, dataSet: DataSet, loaded: Loaded) {
    this.#session = session;
    this.#dataSet = dataSet;
    this.#loaded = loaded;
    this.#offer = part(root, '#cities-offer', HTMLElement);
    this.#offerText = part(root, '#cities-offer-text', HTMLElement);
    this.#load = part(root, '#cities-load', HTMLButtonElement);
    this.#progress = part(root, '#cities-progress', HTMLElement);
    this.#bar = part(root, '#cities-bar', HTMLProgressElement);
    this.#text = part(root, '#cities-progress-text', HTMLElement);
    this.#rate = part(root, '#cities-progress-rate', HTMLElement);
    this.#caption = part(root, '#cities-caption', HTMLElement);
    this.#load.addEventListener('click', () => {
      void session.notices.guard('Loading the cities', () => this.#run());
    });
    part(root, '#cities-stop', HTMLButtonElement).addEventListener('click', () => {
      this.#abort?.abort();
    });
  }

  /** Brings the texts in line with what is in the database. */
  show(): void {
    const rows = this.#loaded.rowCount;
    const total = this.#dataSet.rows;
    const outdated = rows > 0 && this.#loaded.version !== this.#dataSet.version;
    const isLoading = this.#abort !== undefined;
    this.#progress.hidden = !isLoading;
    this.#offer.hidden = isLoading || (rows >= total && !outdated);
    this.#offer.classList.toggle('offer-small', rows > 0);
    if (rows === 0) {
      this.#offerText.textContent = `Nothing is stored yet. The data file is ${byteSize(this.#dataSet.bytes)}.`;
      this.#load.textContent = `Load ${integer(total)} cities`;
    } else if (outdated) {
      this.#offerText.textContent = `Stored: data ${this.#loaded.version ?? ''}; this page brings ${this.#dataSet.version}.`;
      this.#load.textContent = 'Replace it';
    } else {
      this.#offerText.textContent = `${integer(rows)} of ${integer(total)} cities`;
      this.#load.textContent = 'Load the rest';
    }
    this.#caption.textContent =
      rows === 0
        ? 'Equirectangular; a line every 30°.'
        : `${integer(rows)} cities under ${integer(rows * KEYS_PER_CITY)} keys, drawn from what is stored; no map was used.`;
    if (isLoading) this.#showProgress();
  }

  async #run(): Promise<void> {
    if (this.#abort !== undefined) return;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    try {
      await beginLoad(this.#session.db, this.#dataSet);
      await this.#loaded.refresh();
      this.#rowsAtBegin = this.#loaded.rowCount;
      this.#beganMs = performance.now();
      this.show();
      await this.#session.timings.measure(
        'Load the cities',
        () =>
          loadCities(
            this.#session.db,
            this.#dataSet,
            (batch) => this.#loaded.has(batch),
            {
              fetched: (bytes) => {
                this.#fetchedBytes = bytes;
              },
              stored: (batch, points) => {
                this.#loaded.add(batch, points);
              },
            },
            signal,
          ),
        () => `${integer(this.#loaded.rowCount - this.#rowsAtBegin)} rows`,
      );
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#abort = undefined;
      this.show();
    }
  }

  #showProgress(): void {
    const rows = this.#loaded.rowCount;
    const total = this.#dataSet.rows;
    const seconds = (performance.now() - this.#beganMs) / 1000;
    const rate = seconds > 0 ? (rows - this.#rowsAtBegin) / seconds : 0;
    this.#bar.max = total;
    this.#bar.value = rows;
    this.#text.textContent = `${integer(rows)} of ${integer(total)} cities`;
    const parts = [
      `${byteSize(this.#fetchedBytes)} fetched`,
      `${integer(rate)} cities/s`,
      `${integer(rate * KEYS_PER_CITY)} keys/s`,
    ];
    if (rate > 0) parts.push(`${integer(Math.ceil((total - rows) / rate))} s to go`);
    this.#rate.textContent = parts.join('  ·  ');
  }
}
