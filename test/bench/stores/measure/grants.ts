import type { GrantStore } from 'jit-access';
import type { Change, Row } from 'jit-access/store';
import { autoApprove, JitEngine, MemoryGrantStore } from 'jit-access';
import { aGrant } from 'jit-access/testing';
import { encode } from '../../../../src/records/index.js';
import type { Call } from './rounds.js';

/** The instant from which every grant of the bench is held. */
export const START = 1_767_225_600_000;
export const HOUR_MS = 3_600_000;
/** So many end in each of the first hours; the others outlast the bench. */
export const DUE = 1_000;
const DAYS_MS = 1_000 * 24 * HOUR_MS;
/** Rows in one commit: a change has at most so many. */
const FILLED_AT_ONCE = 1_000;

export const subjectOf = (n: number): string => `user:${Math.floor(n / 10)}`;
export const scopeOf = (n: number): string => `db-${n % 10}:write`;
const idOf = (n: number): string => `${n.toString(16).padStart(32, '0')}.1`;

/** The nth grant as the core's codec writes it. Ten for each subject, on a scope each. */
function grantRow(n: number, expiresAt: number): Row {
  const [requestId = ''] = idOf(n).split('.');
  return encode(aGrant({ id: idOf(n), requestId, subject: subjectOf(n), scope: scopeOf(n), ...held(expiresAt) }));
}
const held = (expiresAt: number) => ({ issuedAt: START, startsAt: START, firstStartsAt: START, activatedAt: START, expiresAt });

/** Questions that are all answered yes, spread over so many grants. */
export const questionsAmong = (grants: number, questions: number) =>
  Array.from({ length: questions }, (_, i) => (i * 7_919) % grants).map((n) => ({ subject: subjectOf(n), scope: scopeOf(n) }));

/** Commits grants `from` to `until`, none of which ends by itself while the bench runs. */
export async function fill(store: GrantStore, from: number, until: number): Promise<void> {
  for (let n = from; n < until; n += FILLED_AT_ONCE) {
    const size = Math.min(FILLED_AT_ONCE, until - n);
    await put(
      store,
      Array.from({ length: size }, (_, i) => grantRow(n + i, START + DAYS_MS)),
    );
  }
}

/** Gives grants `from` and on another end: `count` are due at `at`. */
export async function makeDue(store: GrantStore, from: number, count: number, at: number): Promise<void> {
  await put(
    store,
    Array.from({ length: count }, (_, i) => grantRow(from + i, at)),
  );
}

async function put(store: GrantStore, rows: readonly Row[]): Promise<void> {
  await store.commit({ id: `fill ${rows[0]?.id ?? ''} ${rows[0]?.until ?? ''}`, expect: [], put: rows, append: [] });
}

/** Changes that have nothing in common but their namespace: each a request with its grant and three entries. */
export async function grantedRequests(count: number, name: string): Promise<readonly Change[]> {
  const recorded: Change[] = [];
  const memory = new MemoryGrantStore();
  const commit = memory.commit.bind(memory);
  memory.commit = (change) => (recorded.push(change), commit(change));
  const engine = new JitEngine({ approver: autoApprove(() => true), store: memory, clock: { now: () => START } });
  const { request } = await engine.requestAccess(asked('user:template'));
  await engine.close();
  // The last version of each row.
  const put = [...new Map(recorded.flatMap((change) => change.put.map((row) => [`${row.kind} ${row.id}`, row] as const))).values()];
  const template = JSON.stringify({
    id: 'change:template',
    expect: put.map(({ kind, id }) => ({ kind, id, version: 0 })),
    put,
    append: recorded.flatMap(({ append }) => append),
  });
  return Array.from({ length: count }, (_, n) => {
    const own = template.replaceAll('user:template', `${name}:${n}`).replaceAll('change:template', `${name}-${n}`);
    return JSON.parse(own.replaceAll(request.id, `${name}-${n}`), (_, value: unknown) => value ?? undefined) as Change;
  });
}

/** Commits a change that nothing conflicts with. */
export async function commitAlone(store: GrantStore, change: Change | undefined): Promise<void> {
  if ((await store.commit(change as Change)).outcome !== 'committed') throw new Error('a commit that was alone has lost');
}

/** Asks an engine the nth of these questions. Throws unless the answer is yes. */
export function askingYes(engine: JitEngine, questions: ReturnType<typeof questionsAmong>): Call {
  return async (n) => {
    const { subject, scope } = questions[n % questions.length] as (typeof questions)[number];
    if (!(await engine.isAllowed(subject, scope))) throw new Error(`${subject} may not ${scope}`);
  };
}

/** A request as people make them. */
export const asked = (subject: string) => ({
  subject,
  scope: 'db-prod:write',
  ttl: '1h' as const,
  justification: 'the primary rejects writes since the failover of this morning',
  ticket: 'INC-4711',
});
