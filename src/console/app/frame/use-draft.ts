import { useCallback, useState } from 'preact/hooks';
import { useConsole } from './console.js';

/**
 * Texts that survive a sign-in and a reload, for an hour.
 *
 * @param name the name of the draft, such as `comment:<request>`
 * @param initial the texts if there is no draft
 * @returns the texts, what changes some of them, and what deletes the draft: call that when they are sent or given up
 */
export function useDraft<T extends Readonly<Record<string, string>>>(
  name: string,
  initial: T,
): readonly [texts: T, change: (some: Partial<T>) => void, clear: () => void] {
  const { drafts } = useConsole();
  const [texts, setTexts] = useState<T>(() => ({ ...initial, ...textsIn(drafts.read(name), Object.keys(initial)) }));
  const change = (some: Partial<T>) => {
    const next = { ...texts, ...some };
    drafts.write(name, next);
    setTexts(next);
  };
  return [texts, change, useCallback(() => drafts.write(name, undefined), [name])];
}

/** Of a stored value, the texts with these names: another version of the page may have written it. */
function textsIn(value: unknown, names: readonly string[]): Record<string, string> {
  const found = typeof value === 'object' && value !== null ? Object.entries(value as Record<string, unknown>) : [];
  return Object.fromEntries(found.filter((entry): entry is [string, string] => names.includes(entry[0]) && typeof entry[1] === 'string'));
}
