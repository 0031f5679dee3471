import { MemoryGrantStore } from '../../src/index.js';
import { live } from '../model/lives.js';

/* In a copy of the sources with a bug: prints after how many lives the model has found it; 0: it has not. */
const { lives, violation } = await live(() => new MemoryGrantStore(), {
  seed: Number(process.argv[2]),
  numRuns: Number(process.argv[3]),
  shrinks: false,
});
console.log(JSON.stringify({ found: violation === undefined ? 0 : lives, violation }));
