import { strInc } from './bytes.js';

/** Helpers, as the npm package `foundationdb` has them. */
export const util = { strInc } as const;
