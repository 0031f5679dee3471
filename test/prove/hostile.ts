import { dismissChange, failedChanges, provision } from 'jit-access/provisioning';
import { waitFor, watchAccess, withAccess } from 'jit-access/work';
import { explain, preview } from 'jit-access/explain';
import { purge, removeSink } from 'jit-access/retention';
import { assertNoPoisoning } from '@fast-check/poisoning';
import fc from 'fast-check';
import { autoApprove, isJitError, JitEngine, MemoryGrantStore, type Duration } from '../../src/index.js';
import { scaled, type Proof } from './proof.js';
import { linksOf } from '../features/links/links-of.js';

/** Texts that are known to break software, next to random UTF-16 with lone surrogates. */
const CATALOGUE = [
  '',
  ' ',
  'a:',
  ':a',
  'a::b',
  '*',
  'a*',
  'a:*:',
  'a:b\u0000:c',
  'a:b\n',
  '\u202ea',
  '\u200b',
  '\u0430',
  'e\u0301',
  '\ud800',
  '\udfff\ud800',
  '__proto__',
  'constructor',
  'toString',
  '{tag}',
  'a:b%',
  "a' OR 1=1 --",
  'system:sweeper',
  'alice ',
  '\ufeffa',
  '\u0085',
  'a'.repeat(300),
  'a:'.repeat(40),
];
const text = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(...CATALOGUE) },
  { weight: 3, arbitrary: fc.array(fc.nat(0xffff), { maxLength: 12 }).map((units) => String.fromCharCode(...units)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
);

/** Every call that takes a text, with that text in each place. None of them finds a record, so nothing may be stored. */
const CALLS: readonly ((engine: JitEngine, text: string) => unknown)[] = [
  (engine, t) => engine.requestAccess({ subject: t, scope: 'bad scope', ttl: 1 }),
  (engine, t) => engine.requestAccess({ subject: 'user:maya', scope: t, ttl: 1, requestedBy: ' ' }),
  (engine, t) => engine.requestAccess({ subject: 'user:maya', scope: 'a', ttl: (t || 'x') as Duration, idempotencyKey: '\ud800' }),
  (engine, t) => engine.requestAccess({ subject: 'user:maya', scope: 'a', ttl: 0, justification: t, ticket: t, metadata: { [t]: t } }),
  (engine, t) => preview(engine, { subject: t, scope: t, ttl: '1s', justification: t }),
  (engine, t) => engine.breakGlass({ subject: t, scope: t, ttl: 1, justification: t }),
  (engine, t) => engine.extend(t, { requestedBy: 'user:maya', ttl: 1 }),
  (engine, t) => engine.approve(t, { by: t, as: t, reason: t, comment: t }),
  (engine, t) => engine.deny(t, { by: t }),
  (engine, t) => engine.cancel(t, { by: t, reason: t }),
  (engine, t) => engine.revoke(t, { by: t, reason: t }),
  (engine, t) => engine.release(t, { by: t }),
  (engine, t) => engine.revokeAll({ subject: t }, { by: t }),
  (engine, t) => engine.revokeAll({ scope: t }, { by: t }),
  (engine, t) => engine.revokeAll({ requestId: t }, { by: t }),
  (engine, t) => engine.reviewBreakGlass(t, { by: t, verdict: 'justified' }),
  (engine, t) => linksOf(engine).create(t, { reviewer: t, decision: 'approve' }),
  (engine, t) => linksOf(engine).open(t),
  (engine, t) => linksOf(engine).redeem(t, { by: t }),
  (engine, t) => engine.isAllowed(t, t),
  (engine, t) => engine.check(t, { scope: t }),
  (engine, t) => engine.assertAllowed(t, t),
  (engine, t) => engine.filterAllowed(t, [t]),
  (engine, t) => engine.check(t, t, { touch: 'wait' }),
  (engine, t) => engine.consume(t, t, { idempotencyKey: t }),
  (engine, t) => engine.status(t),
  (engine, t) => explain(engine, t, t),
  (engine, t) => engine.getRequest(t),
  (engine, t) => engine.listRequests({ subject: t, after: t }),
  (engine, t) => engine.getGrant(t),
  (engine, t) => engine.listGrants({ subject: t, scope: t, after: t }),
  (engine, t) => engine.inbox(t),
  (engine, t) => engine.listRequests({ afterReview: 'pending', subject: t, after: t }),
  (engine, t) => engine.inbox(t, { of: 'breakGlass', after: t }),
  (engine, t) => engine.whoHadAccess({ scope: t, at: 0, after: t }),
  (engine, t) => engine.listGrants({ subject: t, covering: t, after: t, during: { from: 0, to: 1 } }),
  (engine, t) => watchAccess(engine, t, t),
  (engine, t) => withAccess(engine, t, t, () => assert(false)),
  (engine, t) => waitFor(engine, t),
  (engine, t) => failedChanges(engine, { name: t, subject: t }),
  (engine, t) => dismissChange(engine, t, { by: t }),
  (engine, t) => removeSink(engine, t),
  (engine, t) => purge(engine, { before: t as never, by: t }),
  async (engine, t) => provision(engine, { name: t, scopes: [t], apply: t as never }),
];

function assert(holds: boolean): void {
  if (!holds) throw new Error('work was begun for nobody');
}

/** Node and this package create some globals at their first use, which would look like a change. */
const assertClean = (): void =>
  assertNoPoisoning({
    ignoredRootRegex:
      /^(__vitest|Abort|DOMException|Event|Message|Text|performance|crypto|Crypto|structuredClone|Symbol\(jit-access\/1\)$)/,
  });

/** What a record or a check could say of a subject without access. */
const isYes = (answer: unknown): boolean => answer === true || (answer as { allowed?: unknown } | undefined)?.allowed === true;

export const hostile: Proof = {
  name: 'hostile-texts',
  laws: ['L20', 'L23', 'L30'],
  what: 'generated texts, lone surrogates too, through every public call: an answer or a typed error, nothing stored, no prototype changed',
  async run({ seed, scale, progress }) {
    const all = scaled(1_000_000, scale);
    const store = new MemoryGrantStore();
    const engine = new JitEngine({
      store,
      approver: autoApprove(() => true),
      // The text is refused, not the window in the same call.
      limits: { minTtl: 1 },
      onError: () => undefined,
    });
    let count = 0;
    const one = fc.asyncProperty(text, async (t) => {
      const call = CALLS[count++ % CALLS.length] as (typeof CALLS)[number];
      try {
        const answer = await call(engine, t);
        if (isYes(answer)) throw new Error('it says yes');
      } catch (error) {
        if (!isJitError(error)) throw new Error(`${JSON.stringify(t)} through ${call.toString()}: ${String(error)}`, { cause: error });
      }
      if (count % 1_000 === 0) {
        assertClean();
        progress?.(`${count} texts`);
      }
    });
    const { failed, errorInstance, counterexamplePath } = await fc.check(one, { seed: seed | 0, numRuns: all, endOnFailure: true });
    const violations = failed ? [`path ${counterexamplePath}: ${String(errorInstance)}`] : [];
    assertClean();
    for (const kind of ['request', 'grant', 'usage', 'use', 'reuse']) {
      const { items } = await store.find({ kind, limit: 10 });
      if (items.length > 0) violations.push(`there are rows of kind ${kind}: ${JSON.stringify(items[0])}`);
    }
    return { count, unit: 'texts', violations };
  },
};
