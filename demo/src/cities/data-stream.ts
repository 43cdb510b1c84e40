/** The data file as a stream of batches of lines, fetched with progress. */

import { type City, parseCity } from './city';

export interface Batch {
  number: number;
  cities: City[];
  /** The lines as they stand in the file: the stored values. */
  lines: string[];
}

export const BATCH_ROWS = 1000;

/**
 * Batch boundaries depend on the file alone, so that a batch's number means the same rows
 * in every load. Batches that `skip` names are passed over without being parsed.
 */
export async function* fetchBatches(
  path: string,
  skip: (batch: number) => boolean,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Batch> {
  const response = await fetch(new URL(path, document.baseURI), { signal });
  if (!response.ok || response.body === null) {
    throw new Error(`the data file ${path} was answered with status ${response.status}`);
  }
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let pending: string[] = [];
  let rest = '';
  let number = 0;
  let bytes = 0;

  const take = (count: number): Batch | undefined => {
    const lines = pending.slice(0, count);
    pending = pending.slice(count);
    const current = number;
    number += 1;
    if (skip(current)) return undefined;
    const first = current * BATCH_ROWS;
    return {
      number: current,
      cities: lines.map((line, index) => parseCity(first + index, line)),
      lines,
    };
  };

  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.length;
      onBytes(bytes);
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) pending.push(line);
      while (pending.length >= BATCH_ROWS) {
        const batch = take(BATCH_ROWS);
        if (batch !== undefined) yield batch;
      }
    }
    const batch = pending.length > 0 ? take(pending.length) : undefined;
    if (batch !== undefined) yield batch;
  } finally {
    await reader.cancel();
  }
}
