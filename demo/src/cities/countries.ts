/** Names for the two-letter country codes, from the browser's own tables. */

const NAMES = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'code' });

/** Every code that the data set uses is two capital letters. */
export function countryName(code: string): string {
  return NAMES.of(code) ?? code;
}

export function byName(codes: readonly string[]): { code: string; name: string }[] {
  return codes
    .map((code) => ({ code, name: countryName(code) }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en'));
}
