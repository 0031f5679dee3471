export type { LiveIndex } from './memory/live-index.js';
export { indexOf, MemoryGrantStore } from './memory/store.js';
