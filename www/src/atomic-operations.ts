import type { BytesLike } from './bytes.js';
import { MutationType } from './numbers.js';

/**
 * The atomic operations by their names: what transactions and databases have in common. `Done` is what a
 * call gives back, a promise for a database.
 *
 * The database carries an operation out at the commit, without a read: such writes never conflict with
 * each other.
 */
export abstract class AtomicOperations<KeyIn, ValIn, Done> {
  /**
   * Has the database carry out an operation on a key's value at the commit, without reading it. The number
   * of the operation is one of {@link MutationType}; the operand is encoded as a value.
   *
   * @example
   * ```ts
   * tn.atomicOp(MutationType.AppendIfFits, 'log', 'one more line\n');
   * ```
   */
  abstract atomicOp(type: number, key: KeyIn, operand: ValIn): Done;

  /**
   * As `atomicOp`, with the operand's bytes.
   *
   * @example
   * ```ts
   * tn.atomicOpKB(MutationType.Add, 'visits', Uint8Array.of(1));
   * ```
   */
  abstract atomicOpKB(type: number, key: KeyIn, operand: BytesLike): Done;

  /**
   * As `atomicOp`, with the bytes of key and operand: nothing is encoded, and no
   * prefix comes before the key.
   *
   * @example
   * ```ts
   * tn.atomicOpNative(MutationType.Add, 'app/visits', Uint8Array.of(1));
   * ```
   */
  abstract atomicOpNative(type: number, key: BytesLike, operand: BytesLike): Done;

  /**
   * Adds little-endian numbers, modulo the operand's length.
   *
   * @example
   * ```ts
   * tn.add('visits', Uint8Array.of(1, 0, 0, 0));
   * ```
   */
  add(key: KeyIn, operand: ValIn): Done {
    return this.atomicOp(MutationType.Add, key, operand);
  }

  /**
   * Keeps the larger of two little-endian numbers.
   *
   * @example
   * ```ts
   * tn.max('record', Uint8Array.of(42));
   * ```
   */
  max(key: KeyIn, operand: ValIn): Done {
    return this.atomicOp(MutationType.Max, key, operand);
  }

  /**
   * Keeps the smaller of two little-endian numbers.
   *
   * @example
   * ```ts
   * tn.min('best time', Uint8Array.of(9));
   * ```
   */
  min(key: KeyIn, operand: ValIn): Done {
    return this.atomicOp(MutationType.Min, key, operand);
  }

  /**
   * Bitwise and.
   *
   * @example
   * ```ts
   * tn.bitAnd('flags', Uint8Array.of(0b1110));
   * ```
   */
  bitAnd(key: KeyIn, operand: ValIn): Done {
    return this.atomicOp(MutationType.BitAnd, key, operand);
  }

  /**
   * Bitwise or.
   *
   * @example
   * ```ts
   * tn.bitOr('flags', Uint8Array.of(0b0001));
   * ```
   */
  bitOr(key: KeyIn, operand: ValIn): Done {
    return this.atomicOp(MutationType.BitOr, key, operand);
  }

  /**
   * Bitwise exclusive or.
   *
   * @example
   * ```ts
   * tn.bitXor('flags', Uint8Array.of(0b0001));
   * ```
   */
  bitXor(key: KeyIn, operand: ValIn): Done {
    return this.atomicOp(MutationType.BitXor, key, operand);
  }

  /**
   * Bitwise and with the operand's bytes, whatever the encoding of values.
   *
   * @example
   * ```ts
   * tn.bitAndBuf('flags', Uint8Array.of(0b1110));
   * ```
   */
  bitAndBuf(key: KeyIn, operand: BytesLike): Done {
    return this.atomicOpKB(MutationType.BitAnd, key, operand);
  }

  /**
   * Bitwise or with the operand's bytes, whatever the encoding of values.
   *
   * @example
   * ```ts
   * tn.bitOrBuf('flags', Uint8Array.of(0b0001));
   * ```
   */
  bitOrBuf(key: KeyIn, operand: BytesLike): Done {
    return this.atomicOpKB(MutationType.BitOr, key, operand);
  }

  /**
   * Bitwise exclusive or with the operand's bytes, whatever the encoding of values.
   *
   * @example
   * ```ts
   * tn.bitXorBuf('flags', Uint8Array.of(0b0001));
   * ```
   */
  bitXorBuf(key: KeyIn, operand: BytesLike): Done {
    return this.atomicOpKB(MutationType.BitXor, key, operand);
  }

  /**
   * Keeps the lexicographically smaller value.
   *
   * @example
   * ```ts
   * tn.byteMin('first name', 'Ann');
   * ```
   */
  byteMin(key: KeyIn, operand: ValIn): Done {
    return this.atomicOp(MutationType.ByteMin, key, operand);
  }

  /**
   * Keeps the lexicographically larger value.
   *
   * @example
   * ```ts
   * tn.byteMax('last name', 'Zoe');
   * ```
   */
  byteMax(key: KeyIn, operand: ValIn): Done {
    return this.atomicOp(MutationType.ByteMax, key, operand);
  }
}
