/** One key and its value: shown and edited as text, tuple, integer or hex. */

import { part } from '../dom';
import { byteSize } from '../format';
import { FORMATS, type Format, guessFormat, parseAs, parseKey, showAs, showKey } from './encoding';

export interface EditorViews {
  /** A relative key is one below the level that is shown. */
  save(key: { relative: Uint8Array } | { absolute: Uint8Array }, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  watch(key: Uint8Array): void;
  /** The text is not what its format needs. */
  fail(error: unknown): void;
}

export class Editor {
  readonly #form: HTMLFormElement;
  readonly #title: HTMLElement;
  readonly #key: HTMLInputElement;
  readonly #value: HTMLTextAreaElement;
  readonly #size: HTMLElement;
  readonly #forExisting: HTMLElement;
  #chosen: Uint8Array | undefined;
  #format: Format = 'text';
  /** What the text stands for, as long as nobody has changed it. */
  #shown: { text: string; bytes: Uint8Array } | undefined;

  constructor(root: HTMLElement, views: EditorViews) {
    this.#form = part(root, '#explorer-form', HTMLFormElement);
    this.#title = part(root, '#explorer-editor-title', HTMLElement);
    this.#key = part(root, '#explorer-key', HTMLInputElement);
    this.#value = part(root, '#explorer-value', HTMLTextAreaElement);
    this.#size = part(root, '#explorer-size', HTMLElement);
    this.#forExisting = part(root, '#explorer-existing', HTMLElement);
    const guard = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        views.fail(error);
      }
    };
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      guard(() => {
        const value = parseAs(this.#format, this.#value.value);
        const chosen = this.#chosen;
        views.save(
          chosen === undefined ? { relative: parseKey(this.#key.value) } : { absolute: chosen },
          value,
        );
      });
    });
    this.#form.addEventListener('change', (event) => {
      if (!(event.target instanceof HTMLInputElement) || event.target.name !== 'format') return;
      const wanted = event.target.value as Format;
      guard(() => this.#convert(wanted));
    });
    part(root, '#explorer-delete', HTMLButtonElement).addEventListener('click', () => {
      if (this.#chosen !== undefined) views.delete(this.#chosen);
    });
    part(root, '#explorer-watch', HTMLButtonElement).addEventListener('click', () => {
      if (this.#chosen !== undefined) views.watch(this.#chosen);
    });
    part(root, '#explorer-new', HTMLButtonElement).addEventListener('click', () => {
      this.showNew();
      this.#key.focus();
    });
  }

  get chosen(): Uint8Array | undefined {
    return this.#chosen;
  }

  showNew(): void {
    this.#chosen = undefined;
    this.#title.textContent = 'New key';
    this.#key.readOnly = false;
    this.#key.value = '';
    this.#showValue('', new Uint8Array(0));
    this.#size.textContent = 'It begins with the prefix of the level above; text, or a tuple in brackets.';
    this.#forExisting.hidden = true;
    this.#setFormat('text');
    this.#offer(undefined);
  }

  showKey(key: Uint8Array, value: Uint8Array): void {
    this.#chosen = key;
    this.#title.textContent = 'Key';
    this.#key.readOnly = true;
    this.#key.value = showKey(key);
    this.#size.textContent = `key ${byteSize(key.length)}, value ${byteSize(value.length)}`;
    this.#forExisting.hidden = false;
    const format = guessFormat(value);
    this.#setFormat(format);
    this.#showValue(showAs(format, value) ?? '', value);
    this.#offer(value);
  }

  focusValue(): void {
    this.#value.focus();
  }

  /** The same bytes in another format; text that says no bytes stays as it was typed. */
  #convert(wanted: Format): void {
    const before = this.#format;
    this.#format = wanted;
    const text = this.#value.value;
    let bytes = this.#shown?.bytes;
    if (this.#shown?.text !== text) {
      try {
        bytes = parseAs(before, text);
      } catch {
        return;
      }
    }
    if (bytes !== undefined) this.#showValue(showAs(wanted, bytes) ?? text, bytes);
  }

  #showValue(text: string, bytes: Uint8Array): void {
    this.#value.value = text;
    this.#shown = { text, bytes };
  }

  #setFormat(format: Format): void {
    this.#format = format;
    part(this.#form, `[name="format"][value="${format}"]`, HTMLInputElement).checked = true;
  }

  /** Formats in which these bytes can't be shown say so. */
  #offer(value: Uint8Array | undefined): void {
    for (const format of FORMATS) {
      const input = part(this.#form, `[name="format"][value="${format}"]`, HTMLInputElement);
      const canShow = value === undefined || showAs(format, value) !== undefined;
      input.title = canShow ? '' : `these bytes are no ${format}; choose it to write one`;
      input.parentElement?.classList.toggle('is-other', !canShow);
    }
  }
}
