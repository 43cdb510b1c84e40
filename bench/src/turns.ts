/**
 * Interleaved rounds: every entrant has a turn in every round, and each round begins with another one, so that what the
 * machine does meanwhile strikes all of them alike.
 */

export interface Turn<Entrant> {
  entrant: Entrant;
  /** From 1 on; a seed for what the round does. */
  round: number;
}

export function turns<Entrant>(entrants: readonly Entrant[], rounds: number): Turn<Entrant>[] {
  return Array.from({ length: rounds }, (_, place) => {
    const first = entrants.length === 0 ? 0 : place % entrants.length;
    const order = [...entrants.slice(first), ...entrants.slice(0, first)];
    return order.map((entrant) => ({ entrant, round: place + 1 }));
  }).flat();
}
