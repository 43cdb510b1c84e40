/**
 * The panels of the page and the way between them: one is shown, named by the address's hash.
 * A new panel is a folder with a `Panel` and a line in main.ts.
 */

import { element } from './dom';
import type { Session } from './session';

export interface Panel {
  readonly id: string;
  readonly title: string;
  readonly markup: string;
  start(root: HTMLElement, session: Session): Promise<void>;
}

export class Panels {
  readonly #sections = new Map<string, HTMLElement>();
  readonly #links = new Map<string, HTMLAnchorElement>();
  readonly #panels: readonly Panel[];
  #shown: string | undefined;

  constructor(main: HTMLElement, list: HTMLElement, panels: readonly Panel[]) {
    this.#panels = panels;
    for (const panel of panels) {
      const section = element('section', { class: 'panel' });
      section.id = `panel-${panel.id}`;
      section.setAttribute('aria-label', panel.title);
      section.innerHTML = panel.markup;
      section.inert = true;
      main.append(section);
      this.#sections.set(panel.id, section);

      const link = element('a', { text: panel.title });
      link.href = `#${panel.id}`;
      list.append(element('li', {}, [link]));
      this.#links.set(panel.id, link);
    }
    window.addEventListener('hashchange', () => this.#show());
    this.#show();
  }

  /** Brings the panels to life; one that fails leaves the others working. */
  async start(session: Session): Promise<void> {
    await Promise.all(
      this.#panels.map(async (panel) => {
        const section = this.#sections.get(panel.id);
        if (section === undefined) return;
        await session.notices.guard(`Starting “${panel.title}”`, async () => {
          await panel.start(section, session);
          section.inert = false;
        });
      }),
    );
  }

  #show(): void {
    const wanted = location.hash.slice(1);
    // Other hashes (the skip link's) leave the panel as it is.
    const id = this.#sections.has(wanted) ? wanted : (this.#shown ?? this.#panels[0]?.id);
    this.#shown = id;
    for (const [panelId, section] of this.#sections) section.hidden = panelId !== id;
    for (const [panelId, link] of this.#links) {
      if (panelId === id) document.title = `${link.textContent ?? ''} · Plinth`;
      if (panelId === id) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  }
}
