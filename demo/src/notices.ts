/** Errors, shown to the person: what was being done, the code with its name, the message. */

import { errorCodes, FDBError } from 'plinthdb';
import { element } from './dom';

const CODE_NAMES = new Map<number, string>(Object.entries(errorCodes).map(([name, code]) => [code, name]));

export function describeError(error: unknown): { code: string; message: string } {
  if (error instanceof FDBError) {
    return { code: `${error.code} ${CODE_NAMES.get(error.code) ?? ''}`.trim(), message: error.message };
  }
  if (error instanceof Error) return { code: error.name, message: error.message };
  return { code: 'error', message: String(error) };
}

export class Notices {
  readonly #root: HTMLElement;
  #isLeaving = false;

  constructor(root: HTMLElement) {
    this.#root = root;
    window.addEventListener('error', (event) => {
      this.show('Running this page', event.error ?? event.message);
    });
    window.addEventListener('unhandledrejection', (event) => {
      this.show('Running this page', event.reason);
    });
  }

  /** While the page closes its database on purpose, what is cut off by that is no news. */
  leaving(isLeaving: boolean): void {
    this.#isLeaving = isLeaving;
  }

  /** `doing` completes the sentence "… failed". */
  show(doing: string, error: unknown): void {
    if (this.#isLeaving) return;
    if (error instanceof FDBError && error.code === errorCodes.file_not_found) {
      this.#add(error.message, 'The database is gone. ', error, 'Open it again', () => location.reload());
    } else {
      this.#add(doing, `${doing} failed. `, error, 'Dismiss', () => undefined);
    }
  }

  /** One notice per topic: the newest. */
  #add(topic: string, title: string, error: unknown, action: string, act: () => void): void {
    for (const earlier of this.#root.querySelectorAll<HTMLElement>('.notice')) {
      if (earlier.dataset.topic === topic) earlier.remove();
    }
    const { code, message } = describeError(error);
    const button = element('button', { text: action });
    button.type = 'button';
    const notice = element('div', { class: 'notice' }, [
      element('p', {}, [
        element('strong', { text: title }),
        element('code', { text: code }),
        element('span', { text: ` ${message}` }),
      ]),
      button,
    ]);
    notice.dataset.topic = topic;
    button.addEventListener('click', () => {
      notice.remove();
      act();
    });
    this.#root.append(notice);
  }

  /** Runs `work`; what it throws is shown. */
  async guard(doing: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.show(doing, error);
    }
  }
}
