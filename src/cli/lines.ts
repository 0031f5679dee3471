import type { GrantWithStatus } from '../index.js';

/** What a command found or did: the answers of the handler for `--json`, and lines for a person. */
export interface Outcome {
  readonly answer: unknown;
  /** A line that begins with a word in capitals and a colon is coloured. */
  readonly lines: readonly string[];
  /** `false`: denied, nothing matched, or the journal is not valid. */
  readonly ok: boolean;
}

export const iso = (at: number): string => new Date(at).toISOString();

export const lineOf = ({ id, subject, scope, startsAt, expiresAt, status, breakGlass }: GrantWithStatus): string =>
  `${subject}  ${scope}  ${iso(startsAt)} to ${iso(expiresAt)}  ${status}${breakGlass ? ', break-glass' : ''}  grant ${id}`;

export const count = (items: readonly unknown[], name: string): string => `${items.length} ${name}${items.length === 1 ? '' : 's'}`;
