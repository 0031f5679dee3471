import type * as Loops from './loop.js';

let instances = 0;

/** A separate instance of the loops, for one contestant. */
export async function ownLoop(): Promise<typeof Loops> {
  const address = new URL(`loop.ts?${++instances}`, import.meta.url);
  return (await import(address.href)) as typeof Loops;
}
