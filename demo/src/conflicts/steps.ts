/** What the two transactions do, step by step, and how a step is written. */

export const SIDES = ['A', 'B'] as const;
export type Side = (typeof SIDES)[number];

export type Operation =
  | { kind: 'get'; key: string; isSnapshot: boolean }
  | { kind: 'getRange'; begin: string; end: string; isSnapshot: boolean }
  /** The value is text, an integer, or a formula. */
  | { kind: 'set'; key: string; value: string }
  | { kind: 'clear'; key: string }
  | { kind: 'clearRange'; begin: string; end: string }
  | { kind: 'add'; key: string; amount: number }
  | { kind: 'addReadConflictKey'; key: string }
  | { kind: 'addWriteConflictKey'; key: string }
  | { kind: 'commit' }
  /** What `doTransaction` does after a conflict: `onError`, and then all of it again. */
  | { kind: 'retry' };

export interface Step {
  side: Side;
  operation: Operation;
}

export function describe(operation: Operation): string {
  switch (operation.kind) {
    case 'get':
      return `${operation.isSnapshot ? 'snapshot get' : 'get'} ${operation.key}`;
    case 'getRange':
      return `${operation.isSnapshot ? 'snapshot getRange' : 'getRange'} ${operation.begin} … ${operation.end}`;
    case 'set':
      return `set ${operation.key} ${operation.value.startsWith('=') ? operation.value : `= ${operation.value}`}`;
    case 'clearRange':
      return `clearRange ${operation.begin} … ${operation.end}`;
    case 'add':
      return `add ${operation.key} ${operation.amount}`;
    case 'clear':
    case 'addReadConflictKey':
    case 'addWriteConflictKey':
      return `${operation.kind} ${operation.key}`;
    case 'commit':
    case 'retry':
      return operation.kind;
  }
}

/** The keys that a step names as keys: they get a place on the line. */
export function keysIn(operation: Operation): string[] {
  return 'key' in operation ? [operation.key] : [];
}

/** What a transaction has done since it last began, without its commit. */
export function attemptOf(side: Side, steps: readonly Step[]): Step[] {
  const own = steps.filter((step) => step.side === side);
  const begin = own.findLastIndex(({ operation }) => operation.kind === 'retry') + 1;
  return own.slice(begin).filter(({ operation }) => operation.kind !== 'commit');
}
