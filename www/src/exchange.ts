/**
 * The place in the engine's memory where short keys and values change sides. Instead of it, the bindings would allocate
 * each argument there, and each result would be a `Uint8Array` with memory of its own.
 */
export class Exchange {
  readonly #memory: WebAssembly.Memory;
  readonly #address: number;
  readonly #length: number;
  /** The engine's memory; without length when the engine has made it grow. */
  #bytes = EMPTY;
  #pool = EMPTY;
  #poolUsed = 0;

  constructor(memory: WebAssembly.Memory, address: number, length: number) {
    this.#memory = memory;
    this.#address = address;
    this.#length = length;
  }

  /** Puts bytes there for the engine; false if they are too many. */
  put(bytes: Uint8Array): boolean {
    if (bytes.length > this.#length) return false;
    this.#current().set(bytes, this.#address);
    return true;
  }

  /** Puts two pieces there, one after the other; false if they are too many bytes. */
  putBoth(first: Uint8Array, second: Uint8Array): boolean {
    if (first.length + second.length > this.#length) return false;
    const bytes = this.#current();
    bytes.set(first, this.#address);
    bytes.set(second, this.#address + first.length);
    return true;
  }

  /** Takes what the engine has put there. What is longer than a few words shares its buffer with other values. */
  take(length: number): Uint8Array {
    const bytes = this.#current();
    const address = this.#address;
    if (length <= UNSHARED_BYTES) return bytes.slice(address, address + length);
    let offset = this.#poolUsed;
    if (offset + length > this.#pool.length) {
      this.#pool = new Uint8Array(POOL_BYTES);
      offset = 0;
    }
    // The next one begins at a multiple of eight, as views of numbers have to.
    this.#poolUsed = (offset + length + 7) & ~7;
    this.#pool.set(bytes.subarray(address, address + length), offset);
    return new Uint8Array(this.#pool.buffer, offset, length);
  }

  #current(): Uint8Array {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.#memory.buffer);
    return this.#bytes;
  }
}

const EMPTY = /* @__PURE__ */ new Uint8Array(0);
/** As large as Node's, and for the same reason: who keeps one value keeps this much. */
const POOL_BYTES = 8192;
/** V8 has arrays up to this size within their objects, which is cheaper than a share of a pool. */
const UNSHARED_BYTES = 64;
