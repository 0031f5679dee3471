/**
 * Gives the engine's ids, which are random, an order of their own: the same seed, the same ids. So a viewer who goes back and
 * forth in a scenario sees the same journal each time, to the last hash.
 *
 * Danger: this is for a page that plays. Predictable ids must not be used where anything is protected.
 *
 * @returns what sets the seed
 */
export function makeIdsSteady(): (seed: string) => void {
  let state = 0;
  const nextByte = (): number => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) & 0xff;
  };
  const getRandomValues = <T extends ArrayBufferView | null>(array: T): T => {
    if (array instanceof Uint8Array) for (let i = 0; i < array.length; i++) array[i] = nextByte();
    return array;
  };
  Object.defineProperty(crypto, 'getRandomValues', { value: getRandomValues, configurable: true });
  return (seed) => {
    // FNV-1a
    state = 0x811c9dc5;
    for (let i = 0; i < seed.length; i++) state = Math.imul(state ^ seed.charCodeAt(i), 0x01000193);
  };
}
