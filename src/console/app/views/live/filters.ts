import type { GrantListInput } from '../../../../client.js';
import { selectionOf } from '../../parts/scope-question.js';

/** What the address selects. */
export interface Filters {
  readonly person: string | undefined;
  readonly scope: string | undefined;
  readonly ticket: string | undefined;
}

export const filtersIn = (query: URLSearchParams): Filters => ({
  person: query.get('person') || undefined,
  scope: query.get('scope') || undefined,
  ticket: query.get('ticket') || undefined,
});

/**
 * The grants that the filters select, also those that begin later: no event says that access has begun. The next end first.
 *
 * @param hasPatterns as of `selectionOf`
 */
export const queryOf = ({ person, scope, ticket }: Filters, hasPatterns: boolean): GrantListInput => ({
  status: 'open',
  order: 'due',
  ...(person === undefined ? { all: true } : { subject: person }),
  ...(scope !== undefined && selectionOf(scope, hasPatterns)),
  ...(ticket !== undefined && { ticket }),
});

/** What `revokeAll` and `lock` can end. */
export const KINDS = ['person', 'scope', 'ticket'] as const;
export type TargetKind = (typeof KINDS)[number];

export interface Target {
  readonly kind: TargetKind;
  readonly value: string;
}

/** The narrowest target of some filters, with which a form begins. A ticket is narrower than a person, a person than a scope. */
export function targetOf({ person, scope, ticket }: Filters, kinds: readonly TargetKind[] = KINDS): Target {
  const given = [
    { kind: 'ticket', value: ticket },
    { kind: 'person', value: person },
    { kind: 'scope', value: scope },
  ] as const;
  const found = given.find(({ kind, value }) => value !== undefined && kinds.includes(kind));
  return { kind: found?.kind ?? 'person', value: found?.value ?? '' };
}

/** The target of a call. */
export const calledBy = ({
  kind,
  value,
}: Target): { readonly subject: string } | { readonly scope: string } | { readonly ticket: string } =>
  kind === 'person' ? { subject: value.trim() } : kind === 'scope' ? { scope: value.trim() } : { ticket: value.trim() };
