import { QUIET_MS } from '../../parts/quiet.js';

/*
 * Single keys. A key decides only what its reader has read: it acts on the row with focus, never in a field or a dialog, never while it is
 * held down, and never on a row that has just been drawn.
 */

/** What a key of a row does. */
export type RowKey = 'next' | 'previous' | 'approve' | 'deny' | 'narrow' | 'open' | 'help';

/** The keys, in the order of the help. */
export const ROW_KEYS = {
  j: 'next',
  k: 'previous',
  a: 'approve',
  d: 'deny',
  n: 'narrow',
  o: 'open',
  '?': 'help',
} as const satisfies Readonly<Record<string, RowKey>>;

/** The parts of a `KeyboardEvent` that decide. */
export interface Pressed {
  readonly key: string;
  readonly repeat: boolean;
  readonly isComposing: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly target: { closest(selectors: string): unknown } | null;
}

/** Where a person types, or what has its own keys. A dialog lies above the row. */
const OWN_KEYS = 'input, textarea, select, [contenteditable], dialog, [popover]';

/** @param ageMs how long ago the row was drawn. Milliseconds */
export function rowKeyOf(pressed: Pressed, ageMs: number): RowKey | undefined {
  const { key, target } = pressed;
  if (pressed.repeat || pressed.isComposing || pressed.ctrlKey || pressed.metaKey || pressed.altKey) return undefined;
  // A clock that was set back gives a negative age: the row then counts as just drawn.
  if (!(ageMs >= QUIET_MS) || target === null || target.closest(OWN_KEYS)) return undefined;
  return Object.hasOwn(ROW_KEYS, key) ? ROW_KEYS[key as keyof typeof ROW_KEYS] : undefined;
}
