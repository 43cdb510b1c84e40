/**
 * The panels of the page and the way between them: one is shown, named by the address's hash.
 * A panel is a folder with one entry point, fetched and started when it is first shown; a new
 * one is a line in main.ts.
 */

import { element } from './dom';
import type { Notices } from './notices';
import type { Session } from './session';

export interface Panel {
  readonly markup: string;
  start(root: HTMLElement, session: Session): Promise<void>;
}

export interface PanelEntry {
  readonly id: string;
  readonly title: string;
  load(): Promise<Panel>;
}

interface Place {
  readonly entry: PanelEntry;
  readonly section: HTMLElement;
  readonly link: HTMLAnchorElement;
  starting: Promise<void> | undefined;
}

export class Panels {
  readonly #places = new Map<string, Place>();
  readonly #notices: Notices;
  readonly #session: Promise<Session>;
  #shown: string | undefined;

  /** A panel may be fetched before the session is there; it starts after that. */
  constructor(
    main: HTMLElement,
    list: HTMLElement,
    entries: readonly PanelEntry[],
    notices: Notices,
    session: Promise<Session>,
  ) {
    this.#notices = notices;
    this.#session = session;
    for (const entry of entries) {
      const section = element('section', { class: 'panel' });
      section.id = `panel-${entry.id}`;
      section.setAttribute('aria-label', entry.title);
      section.inert = true;
      main.append(section);

      const link = element('a', { text: entry.title });
      link.href = `#${entry.id}`;
      list.append(element('li', {}, [link]));
      this.#places.set(entry.id, { entry, section, link, starting: undefined });
    }
    window.addEventListener('hashchange', () => this.#show());
    this.#show();
  }

  #show(): void {
    const wanted = location.hash.slice(1);
    // Other hashes (the skip link's) leave the panel as it is.
    const [first] = this.#places.keys();
    const id = this.#places.has(wanted) ? wanted : (this.#shown ?? first);
    this.#shown = id;
    for (const [placeId, place] of this.#places) {
      const isShown = placeId === id;
      place.section.hidden = !isShown;
      if (!isShown) place.link.removeAttribute('aria-current');
      if (isShown) {
        document.title = `${place.entry.title} · Plinth`;
        place.link.setAttribute('aria-current', 'page');
        place.link.scrollIntoView({ block: 'nearest', inline: 'nearest' });
        place.starting ??= this.#start(place);
      }
    }
  }

  /** A panel that fails leaves the others working, and is tried again when it is shown again. */
  async #start(place: Place): Promise<void> {
    const { entry, section } = place;
    await this.#notices.guard(`Starting “${entry.title}”`, async () => {
      try {
        const panel = await entry.load();
        section.innerHTML = panel.markup;
        // Why there is no session is told by whoever made it.
        const session = await this.#session.catch(() => undefined);
        if (session === undefined) return;
        await panel.start(section, session);
        section.inert = false;
      } catch (error) {
        place.starting = undefined;
        throw error;
      }
    });
  }
}
