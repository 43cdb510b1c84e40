import { type BytesLike, concat2, copyOf, startsWith, toBytes } from './bytes.js';
import { type KeyRange, prefixRange } from './range.js';
import { defaultTransformer, packUnboundAfter, type Transformer, withoutPrefix } from './transformer.js';
import type { UnboundStamp } from './tuple/item.js';

/** Something that has a subspace: a subspace, a database, a transaction, a directory. */
export interface GetSubspace<KeyIn, KeyOut, ValIn, ValOut> {
  /**
   * @example
   * ```ts
   * const { prefix } = db.at('users/').getSubspace();
   * ```
   */
  getSubspace(): Subspace<KeyIn, KeyOut, ValIn, ValOut>;
}

/**
 * Whether something has a subspace.
 *
 * @example
 * ```ts
 * isGetSubspace(db); // true
 * ```
 */
export function isGetSubspace<KeyIn, KeyOut, ValIn, ValOut>(
  value: unknown,
): value is GetSubspace<KeyIn, KeyOut, ValIn, ValOut> {
  return typeof value === 'object' && value !== null && 'getSubspace' in value;
}

const EMPTY = /* @__PURE__ */ new Uint8Array(0);

/**
 * The keys that begin with a prefix, and how what follows it and the values are encoded. It never changes;
 * what is to be different is a new one.
 *
 * @example
 * ```ts
 * const users = new Subspace('users/').withKeyEncoding(tuple).withValueEncoding(encoders.json);
 * const key = users.packKey(['ann', 1]);
 * users.unpackKey(key); // -> ['ann', 1]
 * ```
 */
export class Subspace<KeyIn = BytesLike, KeyOut = Uint8Array, ValIn = BytesLike, ValOut = Uint8Array> {
  /** What its keys begin with. */
  readonly prefix: Uint8Array;
  /** The encoding of what follows. */
  readonly keyXf: Transformer<KeyIn, KeyOut>;
  /** The encoding of the values. */
  readonly valueXf: Transformer<ValIn, ValOut>;

  /** The subspace of a prefix, given as its bytes; without one, of all keys. */
  constructor(
    rawPrefix?: BytesLike | null,
    keyXf?: Transformer<KeyIn, KeyOut>,
    valueXf?: Transformer<ValIn, ValOut>,
  ) {
    this.prefix = this.handOut(
      rawPrefix === null || rawPrefix === undefined ? EMPTY : copyOf(toBytes(rawPrefix)),
    );
    // Without encodings the type parameters are those of bytes, unless the caller says otherwise.
    this.keyXf = keyXf ?? (defaultTransformer as unknown as Transformer<KeyIn, KeyOut>);
    this.valueXf = valueXf ?? (defaultTransformer as unknown as Transformer<ValIn, ValOut>);
  }

  /**
   * The subspace of the keys that begin with this one; with other encodings, if they are given.
   *
   * @example
   * ```ts
   * const users = root.at('users/', encoders.string, encoders.json);
   * ```
   */
  at(prefix: KeyIn | null): Subspace<KeyIn, KeyOut, ValIn, ValOut>;
  at<ChildKeyIn, ChildKeyOut>(
    prefix: KeyIn | null,
    keyXf: Transformer<ChildKeyIn, ChildKeyOut>,
  ): Subspace<ChildKeyIn, ChildKeyOut, ValIn, ValOut>;
  at<ChildValIn, ChildValOut>(
    prefix: KeyIn | null,
    keyXf: undefined,
    valueXf: Transformer<ChildValIn, ChildValOut>,
  ): Subspace<KeyIn, KeyOut, ChildValIn, ChildValOut>;
  at<ChildKeyIn, ChildKeyOut, ChildValIn, ChildValOut>(
    prefix: KeyIn | null,
    keyXf: Transformer<ChildKeyIn, ChildKeyOut>,
    valueXf: Transformer<ChildValIn, ChildValOut>,
  ): Subspace<ChildKeyIn, ChildKeyOut, ChildValIn, ChildValOut>;
  at(
    prefix: KeyIn | null,
    keyXf: Transformer<unknown, unknown> = this.keyXf as Transformer<unknown, unknown>,
    valueXf: Transformer<unknown, unknown> = this.valueXf as Transformer<unknown, unknown>,
  ): Subspace<unknown, unknown, unknown, unknown> {
    return this.#derive(prefix === null ? this.prefix : this.packKey(prefix), keyXf, valueXf);
  }

  /**
   * The subspace of the keys that begin with these bytes, whatever the encoding.
   *
   * @example
   * ```ts
   * const inside = new Subspace('app/', tuple).atRaw(Uint8Array.of(1));
   * ```
   */
  atRaw(prefix: BytesLike): Subspace<KeyIn, KeyOut, ValIn, ValOut> {
    return this.#derive(concat2(this.prefix, toBytes(prefix)), this.keyXf, this.valueXf);
  }

  /**
   * The same keys with another encoding of what follows the prefix; without one, as bytes.
   *
   * @example
   * ```ts
   * const users = new Subspace('users/').withKeyEncoding(tuple);
   * ```
   */
  withKeyEncoding(): Subspace<BytesLike, Uint8Array, ValIn, ValOut>;
  withKeyEncoding<ChildKeyIn, ChildKeyOut>(
    keyXf: Transformer<ChildKeyIn, ChildKeyOut>,
  ): Subspace<ChildKeyIn, ChildKeyOut, ValIn, ValOut>;
  withKeyEncoding(
    keyXf: Transformer<unknown, unknown> = defaultTransformer as Transformer<unknown, unknown>,
  ): Subspace<unknown, unknown, ValIn, ValOut> {
    return this.#derive(this.prefix, keyXf, this.valueXf);
  }

  /**
   * The same keys with another encoding of their values; without one, as bytes.
   *
   * @example
   * ```ts
   * const users = new Subspace('users/').withValueEncoding(encoders.json);
   * ```
   */
  withValueEncoding(): Subspace<KeyIn, KeyOut, BytesLike, Uint8Array>;
  withValueEncoding<ChildValIn, ChildValOut>(
    valueXf: Transformer<ChildValIn, ChildValOut>,
  ): Subspace<KeyIn, KeyOut, ChildValIn, ChildValOut>;
  withValueEncoding(
    valueXf: Transformer<unknown, unknown> = defaultTransformer as Transformer<unknown, unknown>,
  ): Subspace<KeyIn, KeyOut, unknown, unknown> {
    return this.#derive(this.prefix, this.keyXf, valueXf);
  }

  /**
   * Itself.
   *
   * @example
   * ```ts
   * db.at(new Subspace('users/').getSubspace());
   * ```
   */
  getSubspace(): this {
    return this;
  }

  /**
   * The bytes of a key.
   *
   * @example
   * ```ts
   * new Subspace('users/').packKey('ann'); // the bytes of 'users/ann'
   * ```
   */
  packKey(key: KeyIn): Uint8Array {
    return this.handOut(this.keyBytes(key));
  }

  /** The bytes of a key for the engine, of whatever class. @internal */
  keyBytes(key: KeyIn): Uint8Array {
    const bytes = toBytes(this.keyXf.pack(key));
    return this.prefix.length === 0 ? bytes : concat2(this.prefix, bytes);
  }

  /**
   * The key of bytes. Throws `key_not_in_subspace` if they don't begin with the prefix.
   *
   * @example
   * ```ts
   * const users = new Subspace('users/', encoders.string);
   * users.unpackKey(users.packKey('ann')); // 'ann'
   * ```
   */
  unpackKey(key: Uint8Array): KeyOut {
    return this.keyXf.unpack(this.prefix.length === 0 ? key : withoutPrefix(key, this.prefix));
  }

  /**
   * The bytes of a value.
   *
   * @example
   * ```ts
   * new Subspace('users/', encoders.string, encoders.json).packValue({ age: 30 });
   * ```
   */
  packValue(value: ValIn): Uint8Array {
    return this.handOut(this.valueBytes(value));
  }

  /** The bytes of a value for the engine, of whatever class. @internal */
  valueBytes(value: ValIn): Uint8Array {
    return toBytes(this.valueXf.pack(value));
  }

  /**
   * The value of bytes.
   *
   * @example
   * ```ts
   * const users = new Subspace('users/', encoders.string, encoders.json);
   * users.unpackValue(users.packValue({ age: 30 })); // { age: 30 }
   * ```
   */
  unpackValue(value: Uint8Array): ValOut {
    return this.valueXf.unpack(value);
  }

  /**
   * The bytes of a key with a versionstamp that the commit is to fill in.
   *
   * @example
   * ```ts
   * const log = new Subspace('log/', tuple);
   * const { data, stampPos } = log.packKeyUnboundVersionstamp([tuple.unboundVersionstamp()]);
   * ```
   */
  packKeyUnboundVersionstamp(key: KeyIn): UnboundStamp {
    return packUnboundAfter(this.prefix, this.keyXf, key);
  }

  /**
   * The bytes of a value with a versionstamp that the commit is to fill in.
   *
   * @example
   * ```ts
   * const log = new Subspace('log/', encoders.string, tuple);
   * const { data, stampPos } = log.packValueUnboundVersionstamp([tuple.unboundVersionstamp()]);
   * ```
   */
  packValueUnboundVersionstamp(value: ValIn): UnboundStamp {
    return packUnboundAfter(EMPTY, this.valueXf, value);
  }

  /**
   * The keys below this one: what the encoding says they are, which for tuples is those with more elements,
   * and otherwise those that begin with its bytes.
   *
   * @example
   * ```ts
   * const { begin, end } = new Subspace('users/', tuple).packRange(['ann']);
   * ```
   */
  packRange(prefix: KeyIn): KeyRange {
    const range = this.keyXf.range?.(prefix);
    if (!range) return this.packRangeStartsWith(prefix);
    return { begin: this.#withPrefix(range.begin), end: this.#withPrefix(range.end) };
  }

  /**
   * The keys whose bytes begin with the bytes of this one.
   *
   * @example
   * ```ts
   * const { begin, end } = new Subspace('users/', tuple).packRangeStartsWith(['ann']);
   * ```
   */
  packRangeStartsWith(prefix: KeyIn): KeyRange {
    return this.#ownRange(prefixRange(this.packKey(prefix)));
  }

  /**
   * The keys from this one to the end of the subspace; without a key, all of them.
   *
   * @example
   * ```ts
   * const { begin, end } = new Subspace('users/', tuple).packRangeFrom(['ann']);
   * ```
   */
  packRangeFrom(start?: KeyIn): KeyRange {
    const { begin, end } = this.#ownRange(prefixRange(this.prefix));
    return { begin: start === undefined ? begin : this.packKey(start), end };
  }

  /**
   * Whether bytes begin with the prefix.
   *
   * @example
   * ```ts
   * new Subspace('users/').contains('users/ann'); // true
   * ```
   */
  contains(key: BytesLike): boolean {
    return startsWith(toBytes(key), this.prefix);
  }

  #withPrefix(rest: BytesLike): Uint8Array {
    const bytes = toBytes(rest);
    return this.handOut(this.prefix.length === 0 ? bytes : concat2(this.prefix, bytes));
  }

  #ownRange({ begin, end }: KeyRange): KeyRange {
    return { begin: this.handOut(begin), end: this.handOut(end) };
  }

  /** Bytes in the class that this subspace hands out. @internal */
  handOut(bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  /** The subspace of another prefix or encoding, of the class that this one has. */
  #derive<KI, KO, VI, VO>(
    prefix: Uint8Array,
    keyXf: Transformer<KI, KO>,
    valueXf: Transformer<VI, VO>,
  ): Subspace<KI, KO, VI, VO> {
    const derived = this.constructor as new (...parameters: unknown[]) => Subspace<KI, KO, VI, VO>;
    return new derived(prefix, keyXf, valueXf);
  }

  /** The subspace of a raw prefix with the encodings of this one. @internal */
  elsewhere(rawPrefix: Uint8Array): Subspace<KeyIn, KeyOut, ValIn, ValOut> {
    return this.#derive(rawPrefix, this.keyXf, this.valueXf);
  }

  /** Whether keys and values are the bytes that are stored: there is nothing to decode. @internal */
  get isRaw(): boolean {
    const bytes = defaultTransformer as unknown;
    return this.prefix.length === 0 && this.keyXf === bytes && this.valueXf === bytes;
  }
}

/**
 * All keys, as bytes.
 *
 * @example
 * ```ts
 * const users = root.at('users/');
 * ```
 */
export const root: Subspace = /* @__PURE__ */ new Subspace(null);
