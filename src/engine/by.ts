import { readOptions, readText } from '../core/parse.js';
import type { Settings } from '../kernel/settings.js';

/** Who does something, and why. */
export interface By {
  readonly by: string;
  /** Recorded in the journal. Text of at most 4 KiB. */
  readonly reason?: string | undefined;
}

/** @throws InvalidArgumentError */
export function readBy(
  { readId }: Pick<Settings, 'readId'>,
  options: unknown,
): { readonly by: string; readonly reason: string | undefined } {
  const { by, reason } = readOptions<keyof By>('options', options, ['by', 'reason']);
  return { by: readId('by', by), reason: readText('reason', reason) };
}
