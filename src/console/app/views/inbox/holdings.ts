import { useEffect } from 'preact/hooks';
import { signal, type Signal } from '@preact/signals';
import type { GrantWithStatus } from '../../../../index.js';
import { after } from '../../frame/clock.js';
import { useConsole, type Change, type Console } from '../../frame/console.js';

/** `undefined`: not read yet, or `may` does not permit `listGrants` for this subject. */
type Held = readonly GrantWithStatus[] | undefined;

/** Changes of one commit arrive together. Milliseconds. */
const GATHER_MS = 150;

interface Subject {
  readonly held: Signal<Held>;
  rows: number;
}

/** What the subjects of an inbox hold: one call for all rows of a subject, and another one only after a change of that subject's grants. */
class Holdings {
  readonly #subjects = new Map<string, Subject>();
  readonly #wanted = new Set<string>();

  constructor(readonly client: Pick<Console['client'], 'getGrant' | 'listGrants'>) {}

  of(subject: string): Subject {
    const known = this.#subjects.get(subject) ?? { held: signal<Held>(undefined), rows: 0 };
    this.#subjects.set(subject, known);
    return known;
  }

  /** @returns what ends it, when the row disappears */
  watch(subject: string): () => void {
    const known = this.of(subject);
    if (known.rows++ === 0) this.#read(subject);
    return () => {
      if (--known.rows === 0) this.#subjects.delete(subject);
    };
  }

  takeChange({ type, grantId }: Change): void {
    if (type === 'ready' || type === 'reset') for (const subject of this.#subjects.keys()) this.#want(subject);
    if (grantId === undefined || !type.startsWith('grant.')) return;
    for (const [subject, { held }] of this.#subjects) if (held.peek()?.some(({ id }) => id === grantId)) this.#want(subject);
    // The event does not say whose grant it is. A viewer who may not read it sees none of its rows.
    if (type === 'grant.issued' || type === 'grant.activated')
      this.client.getGrant(grantId).then(
        ({ subject }) => this.#want(subject),
        () => undefined,
      );
  }

  #want(subject: string): void {
    if (!this.#subjects.has(subject)) return;
    if (this.#wanted.size === 0)
      after(GATHER_MS, () => {
        for (const one of this.#wanted) this.#read(one);
        this.#wanted.clear();
      });
    this.#wanted.add(subject);
  }

  #read(subject: string): void {
    const known = this.#subjects.get(subject);
    if (known === undefined) return;
    this.client.listGrants({ subject, status: 'active', limit: 100 }).then(
      ({ items }) => (known.held.value = items),
      () => undefined,
    );
  }
}

const known = new WeakMap<Console, Holdings>();

function holdingsOf(console: Console): Holdings {
  const before = known.get(console);
  if (before !== undefined) return before;
  const holdings = new Holdings(console.client);
  console.onChange((change) => {
    holdings.takeChange(change);
  });
  known.set(console, holdings);
  return holdings;
}

/** What a subject holds now. */
export function useHoldings(subject: string): Held {
  const holdings = holdingsOf(useConsole());
  useEffect(() => holdings.watch(subject), [subject]);
  return holdings.of(subject).held.value;
}
