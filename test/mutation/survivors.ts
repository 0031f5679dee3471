/** A change of the sources that no test can find, or none has to. */
export interface Survivor {
  /** From src on. */
  readonly file: string;
  /** Stryker's name of the kind of change. */
  readonly mutator: string;
  /** The line in which it begins. */
  readonly line: string;
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

/** Of the rooms in which each has to be listed. */
export const SURVIVORS: readonly Survivor[] = [
  {
    file: 'lifecycle/effect.ts',
    mutator: 'EqualityOperator',
    line: 'for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);',
    from: 'i < text.length',
    to: 'i <= text.length',
    why: 'One round more over nothing: another delay, drawn as evenly from the same span.',
  },
  {
    file: 'lifecycle/explain.ts',
    mutator: 'ConditionalExpression',
    line: 'return i !== -1 && (a[i] as number) > (b[i] as number);',
    from: 'i !== -1',
    to: 'true',
    why: 'Where no value differs, both are undefined, and neither is higher; where one does, it is not equal.',
  },
  {
    file: 'lifecycle/explain.ts',
    mutator: 'EqualityOperator',
    line: 'return i !== -1 && (a[i] as number) > (b[i] as number);',
    from: '(a[i] as number) > (b[i] as number)',
    to: 'a[i] as number >= (b[i] as number)',
    why: 'Where no value differs, both are undefined, and neither is higher; where one does, it is not equal.',
  },
  {
    file: 'journal/exposure/scopes.ts',
    mutator: 'EqualityOperator',
    line: 'return Object.freeze(scopes.sort((a, b) => (a.scope < b.scope ? -1 : 1)));',
    from: 'a.scope < b.scope',
    to: 'a.scope <= b.scope',
    why: 'No two lines have the same scope.',
  },
  {
    file: 'journal/follower.ts',
    mutator: 'BooleanLiteral',
    line: '#again = false;',
    from: 'false',
    to: 'true',
    why: 'drive() sets it before anything looks at it.',
  },
  {
    file: 'journal/follower.ts',
    mutator: 'BooleanLiteral',
    line: 'if (!(await this.#move(version, seq, now + LEASE_MS))) return false;',
    from: 'false',
    to: 'true',
    why: 'It looks once more, and finds the lease, or the cursor, of whoever was faster.',
  },
  {
    file: 'journal/mac.ts',
    mutator: 'EqualityOperator',
    line: 'for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] ?? 0);',
    from: 'i < a.length',
    to: 'i <= a.length',
    why: 'One round more compares nothing with nothing; that one is longer than the other is noticed before.',
  },
  {
    file: 'journal/read.ts',
    mutator: 'ConditionalExpression',
    line: 'if (last < head.seq) await yieldToOthers();',
    from: 'last < head.seq',
    to: 'true',
    why: 'Behind the last page it lets others run once more, and then ends all the same.',
  },
  {
    file: 'journal/read.ts',
    mutator: 'EqualityOperator',
    line: 'if (last < head.seq) await yieldToOthers();',
    from: 'last < head.seq',
    to: 'last <= head.seq',
    why: 'Behind the last page it lets others run once more, and then ends all the same.',
  },
  {
    file: 'journal/replay/rebuild.ts',
    mutator: 'ConditionalExpression',
    line: 'this.then = at === undefined ? this.now : new Drafts();',
    from: 'at === undefined',
    to: 'false',
    why: 'Without an instant everything is before it: two that are written alike instead of one.',
  },
  {
    file: 'journal/replay/rebuild.ts',
    mutator: 'ConditionalExpression',
    line: 'if (this.then !== this.now && entry.at <= this.#at) this.then.set(draft);',
    from: 'this.then !== this.now',
    to: 'true',
    why: 'Written twice, the same is what it was.',
  },
  {
    file: 'journal/replay/writes.ts',
    mutator: 'ArrayDeclaration',
    line: "const given = before === undefined || before === 'unproven' ? [] : (before.fields['reviews'] as readonly JsonValue[]);",
    from: '[]',
    to: '["Stryker was here"]',
    why: 'Of a request whose first entry is gone nothing is kept, whatever its reviews are taken for.',
  },
  {
    file: 'journal/replay/writes.ts',
    mutator: 'ConditionalExpression',
    line: "if (request === undefined || request === 'unproven') return;",
    from: 'request === undefined',
    to: 'false',
    why: 'What is not on record was refused, or doubted, right before.',
  },
  {
    file: 'journal/replay.ts',
    mutator: 'ConditionalExpression',
    line: 'if (instant !== undefined && instant < rebuild.horizon) throw new PurgedError(rebuild.horizon);',
    from: 'instant !== undefined',
    to: 'true',
    why: 'undefined is not below any number.',
  },
];
