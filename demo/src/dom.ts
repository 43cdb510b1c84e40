/** The few DOM helpers of the page: typed lookups and small elements. */

type ElementType<E extends Element> = abstract new (...args: never[]) => E;

/** The one element of `root` that matches; a missing one is a mistake in our own markup. */
export function part<E extends Element>(root: ParentNode, selector: string, type: ElementType<E>): E {
  const found = root.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} at ${selector}`);
  return found;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: { class?: string; text?: string; title?: string; attributes?: Record<string, string> } = {},
  children: readonly Node[] = [],
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (properties.class !== undefined) made.className = properties.class;
  if (properties.text !== undefined) made.textContent = properties.text;
  if (properties.title !== undefined) made.title = properties.title;
  for (const [name, value] of Object.entries(properties.attributes ?? {})) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A button that does something and submits nothing. `label` names one that shows only a sign. */
export function button(
  text: string,
  act: () => void,
  properties: { class?: string; label?: string; title?: string } = {},
): HTMLButtonElement {
  const made = element('button', { text, class: properties.class ?? '' });
  made.type = 'button';
  if (properties.label !== undefined) made.setAttribute('aria-label', properties.label);
  const title = properties.title ?? properties.label;
  if (title !== undefined) made.title = title;
  made.addEventListener('click', act);
  return made;
}
