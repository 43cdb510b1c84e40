import type { Transformer } from './transformer.js';

/** The largest number that fits into the two bytes of a versionstamp's code. */
const CODE_MAX = 0xffff;

/**
 * The codes that tell the versionstamps of one attempt apart, and the keys and values that wait for the
 * versionstamp of its commit.
 */
export class VersionstampBaking {
  #nextCode = 0;
  #waiting: ((stamp: Uint8Array) => void)[] = [];

  /** The next code: 0, 1, 2, … */
  nextCode(): number {
    if (this.#nextCode > CODE_MAX) {
      throw new RangeError(
        `at most ${CODE_MAX + 1} versionstamps without a code of their own were expected in one transaction, found another one`,
      );
    }
    return this.#nextCode++;
  }

  /** Has the commit's versionstamp put into a key or value, if its encoding can. */
  add<In>(item: In, transformer: Transformer<In, unknown>, code: Uint8Array | null): void {
    if (transformer.bakeVersionstamp) {
      this.#waiting.push((stamp) => transformer.bakeVersionstamp?.(item, stamp, code));
    }
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Puts the commit's versionstamp where it is waited for. */
  bake(stamp: Uint8Array): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const put of waiting) put(stamp);
  }

  /** Forgets the attempt. */
  reset(): void {
    this.#nextCode = 0;
    this.#waiting = [];
  }
}
