import { strInc } from './bytes.js';

/**
 * Helpers, as the npm package `foundationdb` has them.
 *
 * @example
 * ```ts
 * util.strInc('user/'); // the bytes of 'user0'
 * ```
 */
export const util = { strInc } as const;
