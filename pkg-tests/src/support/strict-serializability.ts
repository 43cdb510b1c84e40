/**
 * Decides whether a recorded history is strictly serializable, from the history alone: it knows nothing of the engine,
 * its versions or its clocks.
 *
 * Every key holds a list, every write appends an element that is appended nowhere else. So a list that somebody read
 * tells who wrote it, in which order, and after whom; lists that were read of one key must be beginnings of one list.
 * With the order of the writes known, the history is strictly serializable exactly if this graph has no cycle (Adya's
 * serialization graph, with real time added):
 *
 * * writer -> the next writer of the key;
 * * writer -> whoever read its element as the last one;
 * * reader -> the first writer of the key whose element it did not read;
 * * whoever had ended -> whoever began after that.
 *
 * Transactions that failed read one state too, so they count as if they had only read; what they wrote must never be
 * seen. One whose fate is not known counts as committed, and as never ended, if an element of it was seen.
 */

export type Operation =
  | { kind: 'read'; key: string; list: readonly string[] }
  | { kind: 'append'; key: string; element: string };

export interface RecordedTransaction {
  /** For messages. */
  name: string;
  /** Not after it began, and not before it ended, on one clock. */
  begunAt: number;
  endedAt: number;
  fate: 'committed' | 'failed' | 'unknown';
  operations: readonly Operation[];
}

/** What is wrong with a history; empty if it is strictly serializable. */
export function violationsOf(history: readonly RecordedTransaction[]): string[] {
  const appends = new Appends(history);
  const reads = history.flatMap((transaction, reader) => appends.readsOf(transaction, reader));
  const orders = new Map<string, readonly string[]>();
  for (const { key, list } of reads) {
    if (list.length > (orders.get(key)?.length ?? 0)) orders.set(key, list);
  }
  appends.settleFates(orders);
  const violations = appends.violations;
  for (const { reader, key, list } of reads) {
    const order = orders.get(key) ?? [];
    if (list.some((element, index) => element !== order[index])) {
      violations.push(
        `${history[reader]?.name} read ${key} as ${show(list)}, and somebody else as ${show(order)}: two orders`,
      );
    }
  }
  // The graph has a meaning only if the lists make sense.
  if (violations.length > 0) return violations;
  const graph = new Graph(history.length);
  for (const [key, order] of orders) appends.addWriters(graph, key, order);
  for (const { reader, key, list } of reads)
    appends.addReader(graph, reader, key, list, orders.get(key) ?? []);
  graph.addRealTime(history, appends.endOf);
  const cycle = graph.shortestCycle();
  return cycle === undefined ? [] : [describe(cycle, history)];
}

interface Read {
  reader: number;
  key: string;
  /** Without the reader's own elements. */
  list: readonly string[];
}

interface Append {
  writer: number;
  key: string;
  /** All that the writer appends to the key, in its order: they appear together. */
  group: string[];
}

/** Who appended what. */
class Appends {
  readonly violations: string[] = [];
  readonly #history: readonly RecordedTransaction[];
  readonly #byElement = new Map<string, Append>();
  /** Elements that were never seen in a list, of transactions that committed, by key. */
  readonly #unseen = new Map<string, number[]>();
  readonly #seenUnknown = new Set<number>();

  constructor(history: readonly RecordedTransaction[]) {
    this.#history = history;
    for (const [writer, { operations }] of history.entries()) {
      const groups = new Map<string, string[]>();
      for (const operation of operations) {
        if (operation.kind !== 'append') continue;
        const { key, element } = operation;
        if (this.#byElement.has(element))
          throw new Error(`${element} is appended twice: no history to check`);
        const group = groups.get(key) ?? [];
        groups.set(key, group);
        group.push(element);
        this.#byElement.set(element, { writer, key, group });
      }
    }
  }

  /** What a transaction read of others, after a look at whether each list makes sense. */
  readsOf({ name, operations }: RecordedTransaction, reader: number): Read[] {
    const own = new Map<string, string[]>();
    const first = new Map<string, readonly string[]>();
    const reads: Read[] = [];
    for (const operation of operations) {
      const { key } = operation;
      const mine = own.get(key) ?? [];
      if (operation.kind === 'append') {
        own.set(key, [...mine, operation.element]);
        continue;
      }
      const others = operation.list.length - mine.length;
      const list = operation.list.slice(0, Math.max(others, 0));
      if (mine.some((element, index) => operation.list[others + index] !== element)) {
        this.violations.push(
          `${name} appended ${show(mine)} to ${key} and then read ${show(operation.list)}`,
        );
        continue;
      }
      const before = first.get(key);
      if (before !== undefined && !isSame(before, list)) {
        this.violations.push(`${name} read ${key} as ${show(before)} and later as ${show(list)}`);
        continue;
      }
      first.set(key, list);
      if (before === undefined && this.#makesSense(name, reader, key, list))
        reads.push({ reader, key, list });
    }
    return reads;
  }

  #makesSense(name: string, reader: number, key: string, list: readonly string[]): boolean {
    const found = this.violations.length;
    const report = (what: string) => this.violations.push(`${name} read ${key} as ${show(list)}: ${what}`);
    if (new Set(list).size < list.length) report('an element twice');
    for (const [index, element] of list.entries()) {
      const append = this.#byElement.get(element);
      if (append === undefined || append.key !== key) {
        report(`nobody appended ${element} to it`);
        continue;
      }
      const { fate, name: writer } = this.#history[append.writer] as RecordedTransaction;
      if (fate === 'failed') report(`${writer} failed`);
      if (append.writer === reader) report(`${element} was appended after that`);
      if (fate === 'unknown') this.#seenUnknown.add(append.writer);
      const { group } = append;
      const from = index - group.indexOf(element);
      if (group.some((other, offset) => list[from + offset] !== other)) {
        report(`${writer} appended ${show(group)}`);
      }
    }
    return this.violations.length === found;
  }

  /** Once every list was looked at: what committed and was never seen comes after everything that was. */
  settleFates(orders: ReadonlyMap<string, readonly string[]>): void {
    const seen = new Set([...orders.values()].flat());
    for (const [element, { writer, key }] of this.#byElement) {
      if (seen.has(element) || !this.#isCommitted(writer)) continue;
      this.#unseen.set(key, [...(this.#unseen.get(key) ?? []), writer]);
    }
  }

  #isCommitted(writer: number): boolean {
    return this.#history[writer]?.fate === 'committed' || this.#seenUnknown.has(writer);
  }

  readonly endOf = (transaction: number): number => {
    const recorded = this.#history[transaction];
    return recorded === undefined || recorded.fate === 'unknown'
      ? Number.POSITIVE_INFINITY
      : recorded.endedAt;
  };

  #writerOf(element: string): number {
    return this.#byElement.get(element)?.writer ?? -1;
  }

  addWriters(graph: Graph, key: string, order: readonly string[]): void {
    for (const [index, element] of order.entries()) {
      const next = order[index + 1];
      if (next !== undefined) graph.add(this.#writerOf(element), this.#writerOf(next), `wrote ${key} before`);
    }
    const last = order.at(-1);
    if (last === undefined) return;
    for (const writer of this.#unseen.get(key) ?? []) {
      graph.add(this.#writerOf(last), writer, `wrote ${key} before`);
    }
  }

  addReader(
    graph: Graph,
    reader: number,
    key: string,
    list: readonly string[],
    order: readonly string[],
  ): void {
    const last = list.at(-1);
    if (last !== undefined) graph.add(this.#writerOf(last), reader, `wrote the ${key} that was read by`);
    const next = order[list.length];
    const writers = next === undefined ? (this.#unseen.get(key) ?? []) : [this.#writerOf(next)];
    for (const writer of writers) graph.add(reader, writer, `read ${key} without what was appended by`);
  }
}

interface Edge {
  to: number;
  why: string;
}

/** Nodes below `transactionCount` are transactions; the others are moments, each after the one before. */
class Graph {
  readonly #edges: Edge[][];

  constructor(transactionCount: number) {
    this.#edges = Array.from({ length: transactionCount }, () => []);
  }

  add(from: number, to: number, why: string): void {
    if (from !== to) this.#edges[from]?.push({ to, why });
  }

  /** Moments in a chain stand for the edges between all who had ended and all who began later. */
  addRealTime(history: readonly RecordedTransaction[], endOf: (transaction: number) => number): void {
    const ends = history
      .map((_, transaction) => ({ transaction, endedAt: endOf(transaction) }))
      .filter(({ endedAt }) => Number.isFinite(endedAt))
      .sort((left, right) => left.endedAt - right.endedAt);
    const first = this.#edges.length;
    for (const [index, { transaction }] of ends.entries()) {
      this.#edges.push([]);
      this.add(transaction, first + index, '');
      if (index > 0) this.add(first + index - 1, first + index, '');
    }
    for (const [transaction, { begunAt }] of history.entries()) {
      let low = 0;
      let high = ends.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((ends[middle]?.endedAt ?? 0) < begunAt) low = middle + 1;
        else high = middle;
      }
      if (low > 0) this.add(first + low - 1, transaction, 'had ended before the beginning of');
    }
  }

  /** A shortest cycle through some node that is on one. */
  shortestCycle(): { node: number; why: string }[] | undefined {
    const component = this.#firstCyclicComponent();
    if (component === undefined) return undefined;
    const members = new Set(component);
    let best: { node: number; why: string }[] | undefined;
    for (const start of component.slice(0, 50)) {
      const found = this.#cycleThrough(start, members);
      if (found !== undefined && found.length < (best?.length ?? Number.POSITIVE_INFINITY)) best = found;
    }
    return best;
  }

  #cycleThrough(start: number, members: ReadonlySet<number>): { node: number; why: string }[] | undefined {
    const cameFrom = new Map<number, { node: number; why: string }>();
    const queue = [start];
    for (const node of queue) {
      for (const { to, why } of this.#edges[node] ?? []) {
        if (!members.has(to) || cameFrom.has(to)) continue;
        cameFrom.set(to, { node, why });
        if (to !== start) {
          queue.push(to);
          continue;
        }
        const cycle: { node: number; why: string }[] = [];
        let step = cameFrom.get(start);
        while (step !== undefined) {
          cycle.unshift(step);
          step = step.node === start ? undefined : cameFrom.get(step.node);
        }
        return cycle;
      }
    }
    return undefined;
  }

  /** Tarjan's algorithm, without recursion: histories are long. */
  #firstCyclicComponent(): number[] | undefined {
    const index = new Map<number, number>();
    const low = new Map<number, number>();
    const onStack = new Set<number>();
    const stack: number[] = [];
    for (let root = 0; root < this.#edges.length; root += 1) {
      if (index.has(root)) continue;
      const work = [{ node: root, next: 0 }];
      for (;;) {
        const top = work.at(-1);
        if (top === undefined) break;
        const { node } = top;
        if (top.next === 0) {
          low.set(node, index.size);
          index.set(node, index.size);
          stack.push(node);
          onStack.add(node);
        }
        const edge = this.#edges[node]?.[top.next];
        top.next += 1;
        if (edge !== undefined) {
          if (!index.has(edge.to)) work.push({ node: edge.to, next: 0 });
          else if (onStack.has(edge.to)) low.set(node, Math.min(at(low, node), at(index, edge.to)));
          continue;
        }
        work.pop();
        const parent = work.at(-1);
        if (parent !== undefined) low.set(parent.node, Math.min(at(low, parent.node), at(low, node)));
        if (low.get(node) !== index.get(node)) continue;
        const component = stack.splice(stack.lastIndexOf(node));
        for (const member of component) onStack.delete(member);
        if (component.length > 1) return component;
      }
    }
    return undefined;
  }
}

function at(map: ReadonlyMap<number, number>, node: number): number {
  return map.get(node) ?? Number.POSITIVE_INFINITY;
}

/** The cycle in words; moments are left out, and so is what comes between two of them. */
function describe(
  cycle: readonly { node: number; why: string }[],
  history: readonly RecordedTransaction[],
): string {
  const steps: string[] = [];
  let name = '';
  for (const { node, why } of rotated(cycle, history.length)) {
    if (node < history.length) name = history[node]?.name ?? '';
    if (why !== '') steps.push(`${name} ${why}`);
  }
  return `a cycle: ${steps.join(' ')} ${steps[0]?.split(' ')[0] ?? ''}`;
}

/** Beginning at a transaction. */
function rotated<T extends { node: number }>(cycle: readonly T[], transactionCount: number): T[] {
  const begin = cycle.findIndex(({ node }) => node < transactionCount);
  return [...cycle.slice(begin), ...cycle.slice(0, begin)];
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((element, index) => element === right[index]);
}

/** Long lists by their end. */
function show(list: readonly string[]): string {
  return `[${list.length > 6 ? `… ${list.slice(-6).join(' ')}` : list.join(' ')}]`;
}
