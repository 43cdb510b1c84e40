/**
 * The only module that knows the generated bindings: it loads the wasm, turns codes into errors, and
 * keeps a trap of the engine from leaving anybody waiting.
 */
import init, {
  type DatabaseHandle,
  DirectoryLayerHandle,
  deleteDatabase as deleteDatabaseHandle,
  exchangePlace,
  type InitInput,
  lastErrorMessage,
  openDatabase as openDatabaseHandle,
  reportTraps,
  TransactionHandle,
  type WatchHandle,
} from '../generated/plinth_wasm.js';
import { errorCodes } from './error-codes.js';
import { Exchange } from './exchange.js';
import { type FDBError, fdbError } from './fdb-error.js';

export type {
  DatabaseHandle,
  DirectoryHandle,
  ExportHandle,
  ImportHandle,
  SubscriptionHandle,
  TransactionHandle,
  WatchHandle,
} from '../generated/plinth_wasm.js';
export { DirectoryLayerHandle };

/** A watch of the engine, or one that will be. */
export type WatchCalls = Pick<WatchHandle, 'promise' | 'cancel' | 'free'>;

/** A transaction of the engine, or one that waits for its database to be opened. */
export interface TransactionCalls
  extends Omit<
    TransactionHandle,
    'approximateSize' | 'getExchanged' | 'setExchanged' | 'takeAnswer' | 'watch' | typeof Symbol.dispose
  > {
  approximateSize(): number | Promise<number>;
  watch(key: Uint8Array): WatchCalls;
  /** Of one that waits: does something with the engine's when it is there. */
  whenOpen?<T>(operation: (handle: TransactionHandle) => Promise<T>): Promise<T>;
}

/** Where the engine's WebAssembly comes from: its address, its bytes, or the compiled module. */
export type WasmSource = InitInput | Promise<InitInput>;

let loaded: Promise<void> | undefined;
let trap: FDBError | undefined;
let exchange: Exchange | undefined;
const waiting = /* @__PURE__ */ new Set<(error: FDBError) => void>();

/** Loads the engine once: `source` is asked the first time only. */
export function loadEngine(source: () => WasmSource): Promise<void> {
  loaded ??= instantiate(source()).catch((error: unknown) => {
    // Loading may be tried again: the network may be back.
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function instantiate(source: WasmSource): Promise<void> {
  try {
    const { memory } = await init({ module_or_path: source });
    const [address = 0, length = 0] = exchangePlace();
    exchange = new Exchange(memory, address, length);
    passThrough(exchange);
  } catch (error) {
    const message = `the engine's WebAssembly could not be loaded: ${String(error)}`;
    throw fdbError(errorCodes.platform_error, message);
  }
  reportTraps((message: string) => {
    trap = fdbError(errorCodes.internal_error, `the engine stopped; reload the page. ${message}`);
    for (const reject of waiting) reject(trap);
    waiting.clear();
  });
}

/** The value of a key, if it can be had at once: no transaction is made for it. Null if one must be. */
export function getNow(handle: DatabaseHandle, key: Uint8Array): Uint8Array | undefined | null {
  return call(() => {
    if (!exchange?.put(key)) return null;
    const answer = handle.getExchanged(key.length);
    if (answer >= 0) return exchange.take(answer);
    return answer === ABSENT ? undefined : null;
  });
}

/** Commits a single write in a transaction of its own. Null if a transaction that is made here must do it. */
export function commitWrite(
  handle: DatabaseHandle,
  operation: number | undefined,
  key: Uint8Array,
  operand: Uint8Array,
): Promise<void> | null {
  return call(() => {
    if (!exchange?.putBoth(key, operand)) return null;
    const answer: unknown = handle.commitExchanged(operation, key.length, operand.length);
    // That transaction will find the same mistake, and say more about it.
    return typeof answer === 'number' ? null : settle(answer as Promise<void>);
  });
}

/** Has transactions read and write through the exchange what fits. */
function passThrough(exchange: Exchange): void {
  const { prototype } = TransactionHandle;
  const { get: getLong, set: setLong } = prototype;
  prototype.get = function get(this: TransactionHandle, key: Uint8Array, snapshot: boolean): unknown {
    if (!exchange.put(key)) return getLong.call(this, key, snapshot);
    const answer = this.getExchanged(key.length, snapshot);
    if (answer >= 0) return exchange.take(answer);
    if (answer === ABSENT) return undefined;
    return answer === ELSEWHERE ? this.takeAnswer() : -answer;
  };
  prototype.set = function set(this: TransactionHandle, key: Uint8Array, value: Uint8Array): number {
    if (!exchange.putBoth(key, value)) return setLong.call(this, key, value);
    return this.setExchanged(key.length, value.length);
  };
}

/** What the engine answers instead of a length, besides negated codes. */
const ABSENT = -1;
const ELSEWHERE = -2;

/** Runs a call into the engine; what it throws is a trap. */
export function call<T>(body: () => T): T {
  if (trap) throw trap;
  try {
    return body();
  } catch (error) {
    throw trap ?? toError(error);
  }
}

/** Waits for a promise of the engine; its rejections become errors, and a trap ends it. */
export function settle<T>(promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    waiting.add(reject);
    promise.then(
      (value) => {
        waiting.delete(reject);
        resolve(value);
      },
      (failure: unknown) => {
        waiting.delete(reject);
        reject(trap ?? toError(failure));
      },
    );
  });
}

/** The error of a code that the last call returned. */
export function lastError(code: number): FDBError {
  return fdbError(code, lastErrorMessage());
}

/** Throws if a call returned a code other than success. */
export function check(code: number): void {
  if (code !== errorCodes.success) throw lastError(code);
}

/** Opens a database. */
export function openDatabase(name: string, options: unknown) {
  return settle(call(() => openDatabaseHandle(name, options)));
}

/** Deletes a database. */
export function deleteDatabase(name: string): Promise<void> {
  return settle(call(() => deleteDatabaseHandle(name)));
}

function toError(failure: unknown): unknown {
  if (Array.isArray(failure)) {
    const [code, message] = failure as [number, string];
    return fdbError(code, message);
  }
  return failure;
}
