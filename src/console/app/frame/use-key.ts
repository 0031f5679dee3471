import { useMemo } from 'preact/hooks';

/** A key for one call and its repeats. `crypto.randomUUID` does not exist on pages without TLS. */
export const newKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-');

/** The key of a call with these values: a second press after a lost answer does the same thing once. */
export const useKey = (...values: readonly unknown[]): string => useMemo(newKey, values);
