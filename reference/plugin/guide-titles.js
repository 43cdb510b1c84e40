/** TypeDoc names a page of the guide after its file; here it is named by its first heading. */

import { Converter, DocumentReflection } from 'typedoc';

const HEADING = /^# (.+)\n/;

export function load({ converter }) {
  converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, page) => {
    if (!(page instanceof DocumentReflection)) return;
    const [first] = page.content;
    const title = first?.kind === 'text' ? HEADING.exec(first.text)?.[1] : undefined;
    if (title === undefined) throw new Error(`${page.name} does not begin with a heading`);
    page.name = title;
  });
}
