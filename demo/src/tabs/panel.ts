/** The tabs panel: a counter, a colour and a note that all tabs share. */

import { element, part } from '../dom';
import { duration, integer } from '../format';
import type { Panel } from '../panels';
import { Firings } from './firings';
import { Shared, type SharedViews } from './shared';
import markup from './tabs.html?raw';
import './tabs.css';

const COUNTER_KEY = 'tabs/counter';
const COLOUR_KEY = 'tabs/colour';
const NOTE_KEY = 'tabs/note';

const COLOURS = ['verdigris', 'cobalt', 'plum', 'rust', 'ochre', 'slate'] as const;
const HAMMER_COUNT = 100;
const HAMMER_IN_FLIGHT = 4;

export const tabsPanel: Panel = {
  id: 'tabs',
  title: 'Tabs',
  markup,
  async start(root, { db, notices, tab }) {
    part(root, '#tabs-name', HTMLElement).textContent = tab;
    const firings = new Firings(part(root, '#tabs-firings', HTMLTableSectionElement), tab);
    const follow = <T>(key: string, show: SharedViews<T>['show']): Shared<T> => {
      const shared = new Shared<T>(db, key, tab);
      const fired: SharedViews<T>['fired'] = (written) => firings.add(key, written);
      void notices.guard(`Watching ${key}`, () => shared.follow({ show, fired }));
      return shared;
    };

    startCounter();
    startColour();
    startNote();

    function startCounter(): void {
      const value = part(root, '#tabs-counter', HTMLOutputElement);
      const note = part(root, '#tabs-hammered', HTMLElement);
      const hammer = part(root, '#tabs-hammer', HTMLButtonElement);
      const counter = follow<number>(COUNTER_KEY, (written) => {
        value.textContent = integer(written?.value ?? 0);
      });
      const addOne = (): Promise<{ runs: number }> => counter.update((count) => (count ?? 0) + 1);

      part(root, '#tabs-add', HTMLButtonElement).addEventListener('click', () => {
        void notices.guard('Adding 1', async () => {
          const beganMs = performance.now();
          await addOne();
          note.textContent = `Committed in ${duration(performance.now() - beganMs)}.`;
        });
      });

      hammer.addEventListener('click', () => {
        hammer.disabled = true;
        void notices
          .guard('Adding 100', async () => {
            const beganMs = performance.now();
            let begun = 0;
            let retries = 0;
            const worker = async (): Promise<void> => {
              while (begun < HAMMER_COUNT) {
                begun += 1;
                const { runs } = await addOne();
                retries += runs - 1;
              }
            };
            await Promise.all(Array.from({ length: HAMMER_IN_FLIGHT }, worker));
            note.textContent =
              `${HAMMER_COUNT} transactions in ${duration(performance.now() - beganMs)}, ` +
              `${HAMMER_IN_FLIGHT} at a time; ${retries} conflicts, all retried.`;
          })
          .finally(() => {
            hammer.disabled = false;
          });
      });
    }

    function startColour(): void {
      const choices = part(root, '#tabs-colours', HTMLFieldSetElement);
      for (const name of COLOURS) {
        const input = element('input');
        input.type = 'radio';
        input.name = 'tabs-colour';
        input.value = name;
        choices.append(
          element('label', { class: `swatch swatch-${name}` }, [input, element('span', { text: name })]),
        );
      }
      const show = (name: string): void => {
        part(root, '.counter', HTMLElement).dataset.colour = name;
        part(choices, `[value="${name}"]`, HTMLInputElement).checked = true;
      };
      const colour = follow<string>(COLOUR_KEY, (written) => show(written?.value ?? COLOURS[0]));
      choices.addEventListener('change', (event) => {
        if (!(event.target instanceof HTMLInputElement)) return;
        const { value } = event.target;
        void notices.guard('Setting the colour', () => colour.replace(value));
      });
    }

    function startNote(): void {
      const text = part(root, '#tabs-note', HTMLTextAreaElement);
      const note = follow<string>(NOTE_KEY, (written) => {
        // Our own words coming back must not undo what has been typed since.
        if (written?.by === tab || text.value === (written?.value ?? '')) return;
        const caret = text.selectionStart;
        text.value = written?.value ?? '';
        if (document.activeElement === text) text.setSelectionRange(caret, caret);
      });
      text.addEventListener('input', () => {
        void notices.guard('Saving the note', () => note.replace(text.value));
      });
    }
  },
};
