/** Asking before what can't be undone. */

import { element } from './dom';

export interface Question {
  title: string;
  text: string;
  /** What the button says that does it. */
  action: string;
}

export function confirmed({ title, text, action }: Question): Promise<boolean> {
  const keep = element('button', { text: 'Keep it', attributes: { value: 'keep', autofocus: '' } });
  const act = element('button', { text: action, class: 'danger', attributes: { value: 'act' } });
  const heading = element('h3', { text: title });
  heading.id = 'confirm-title';
  const form = element('form', {}, [
    heading,
    element('p', { text }),
    element('div', { class: 'dialog-buttons' }, [keep, act]),
  ]);
  form.method = 'dialog';
  const dialog = element('dialog', { attributes: { 'aria-labelledby': heading.id } }, [form]);
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'act');
    });
    dialog.showModal();
  });
}
