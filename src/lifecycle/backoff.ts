/** The pauses between repetitions: at most `firstMs` before the first, twice as long before each further one, at most `maxMs`. */
export interface Pauses {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * The pause before a repetition, numbered from 1. It lasts between a half and all of the longest pause, so that callers that
 * failed together do not retry together. The jitter is derived from `id`, so that the lifecycle stays deterministic.
 *
 * @returns milliseconds, at least 1
 */
export function pauseMs(id: string, repetition: number, { firstMs, maxMs }: Pauses): number {
  const longest = Math.min(maxMs, firstMs * 2 ** (repetition - 1));
  return Math.max(1, Math.round(longest * (0.5 + 0.5 * fractionOf(`${id}.${repetition}`))));
}

/** A number from 0 to 1, spread evenly over texts (FNV-1a). */
function fractionOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) / 2 ** 32;
}
