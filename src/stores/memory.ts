export { MemoryGrantStore } from './memory/store.js';
export type { LiveIndex } from './memory/live-index.js';
