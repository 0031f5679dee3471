export { MemoryGrantStore } from './memory/store.js';
