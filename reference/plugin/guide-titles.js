/** TypeDoc names a page of the guide after its file; its title is its first heading. */

import { Converter, DocumentReflection } from 'typedoc';

const HEADING = /^# (.+)\n+/;

export function load({ converter }) {
  converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, page) => {
    if (!(page instanceof DocumentReflection)) return;
    const [first] = page.content;
    const heading = first?.kind === 'text' ? HEADING.exec(first.text) : null;
    if (heading === null) throw new Error(`${page.name} does not begin with a heading`);
    page.name = heading[1];
    first.text = first.text.slice(heading[0].length);
  });
}
