/** Numbers as people read them. */

const INTEGER = new Intl.NumberFormat('en');
const CLOCK = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

export function integer(count: number): string {
  return INTEGER.format(Math.round(count));
}

/** Three significant digits, in the unit that fits. */
export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  if (ms < 100) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

export function byteSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function clockTime(epochMs: number): string {
  return CLOCK.format(epochMs);
}

export function dayAndTime(epochMs: number): string {
  return `${DAY.format(epochMs)}, ${CLOCK.format(epochMs)}`;
}

/** A latitude or longitude with its hemisphere: 37.77° N. */
export function degrees(value: number, positive: string, negative: string): string {
  return `${Math.abs(value).toFixed(2)}° ${value < 0 ? negative : positive}`;
}
