/** Gives a page the Buffer of npm's `buffer`, before the program that is bundled with this. */
import { Buffer } from 'buffer/';

Object.assign(globalThis, { Buffer });
