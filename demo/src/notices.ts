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

  constructor(root: HTMLElement) {
    this.#root = root;
    window.addEventListener('error', (event) => {
      this.show('Running this page', event.error ?? event.message);
    });
    window.addEventListener('unhandledrejection', (event) => {
      this.show('Running this page', event.reason);
    });
  }

  /** `doing` completes the sentence "… failed". */
  show(doing: string, error: unknown): void {
    const { code, message } = describeError(error);
    const close = element('button', { class: 'quiet', text: 'Dismiss' });
    close.type = 'button';
    const notice = element('div', { class: 'notice' }, [
      element('p', {}, [
        element('strong', { text: `${doing} failed. ` }),
        element('code', { text: code }),
        element('span', { text: ` ${message}` }),
      ]),
      close,
    ]);
    close.addEventListener('click', () => notice.remove());
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
