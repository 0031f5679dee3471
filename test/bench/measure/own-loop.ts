import type * as Loops from './loop.js';

let instances = 0;

/** An instance of the loops that nobody else has. */
export async function ownLoop(): Promise<typeof Loops> {
  const address = new URL(`loop.ts?${++instances}`, import.meta.url);
  return (await import(address.href)) as typeof Loops;
}
