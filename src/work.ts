export { waitFor, watchAccess, withAccess, type WorkOptions } from './features/work/functions.js';
export type { AccessWatch, WatchOptions } from './features/work/options.js';
export type { WaitOptions } from './features/work/wait-for.js';
