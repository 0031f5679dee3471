import * as work from 'jit-access/work';
import { explain } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { isJitError, JitEngine, type AccessResult, type AccessStatus, type Grant, type SweepReport } from '../../src/index.js';
import { ANA, at, LEE, MAYA, MINUTE, SCOPE } from './an-engine.js';
import { GRANT_STATES, linkTo, REQUEST_STATES, wordFor, wordForGrant, type State } from './states.js';
import { wholeStore } from './whole-store.js';
import { linksOf } from '../features/links/links-of.js';
import { decideAgain } from './decide-again.js';

const { waitFor, watchAccess, withAccess } = work;

type Verb = (state: State) => Promise<unknown>;

const among = (list: readonly { readonly id: string }[], id: string, word: string): string =>
  list.some((one) => one.id === id) ? word : 'no';
const done = (report: SweepReport): string =>
  Object.entries(report)
    .filter(([, count]) => count > 0)
    .map(([what]) => what)
    .join('+') || 'nothing';
const asked = ({ reused, outcome }: AccessResult): string => `${reused ? 'again' : 'new'}:${outcome}`;
const held = ({ held, scheduled }: AccessStatus, id: string): string =>
  held.some((one) => one.id === id) ? 'held' : among(scheduled, id, 'scheduled');

/** Each verb that applies to a request, called by an actor who may call it, and the word for its answer. */
const REQUEST_VERBS: Readonly<Record<string, Verb>> = {
  requestAccess: async ({ engine }) => asked(await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: 15 * MINUTE })),
  'decide.again': async ({ engine, requestId }) => (await decideAgain(engine, requestId)).outcome,
  approve: async ({ engine, requestId }) => (await engine.approve(requestId, { by: ANA })).outcome,
  deny: async ({ engine, requestId }) => (await engine.deny(requestId, { by: ANA })).outcome,
  comment: async ({ engine, requestId }) => (await engine.comment(requestId, { by: ANA, text: 'why?' })).comment.kind,
  amend: async ({ engine, requestId }) => asked(await engine.amend(requestId, { by: MAYA, ttl: 20 * MINUTE })),
  cancel: async ({ engine, requestId }) => (await engine.cancel(requestId, { by: MAYA })).end?.status,
  reviewBreakGlass: async ({ engine, requestId }) => wordFor(await engine.reviewBreakGlass(requestId, { by: ANA, verdict: 'unjustified' })),
  'links.create': async ({ engine, requestId }) => typeof (await linksOf(engine).create(requestId, { reviewer: ANA, decision: 'approve' })),
  'links.open': async (state) => (await linksOf(state.engine).open(await linkTo(state))).decision,
  'links.redeem': async (state) => (await linksOf(state.engine).redeem(await linkTo(state), { by: ANA })).outcome,
  revokeAll: async ({ engine, requestId }) => {
    const { requests, grants } = await engine.revokeAll({ requestId }, { by: LEE });
    return `${requests.length}+${grants.length}`;
  },
  waitFor: async ({ engine, requestId }) => {
    const enough = new AbortController();
    const waiting = waitFor(engine, requestId, { signal: enough.signal }).then(
      ({ outcome }) => outcome,
      (error: unknown) => (error === 'enough' ? 'waits' : codeOf(error)),
    );
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    enough.abort('enough');
    return waiting;
  },
  explain: async ({ engine }) => (await explain(engine, MAYA, SCOPE)).reason,
  sweep: async ({ engine }) => done(await engine.sweep()),
  inbox: async ({ engine, requestId }) =>
    among(
      (await engine.inbox(ANA)).items.map(({ request }) => request),
      requestId,
      'listed',
    ),
  'inbox.breakGlass': async ({ engine, requestId }) =>
    among(
      (await engine.inbox(ANA, { of: 'breakGlass' })).items.map(({ request }) => request),
      requestId,
      'listed',
    ),
  getRequest: async ({ engine, requestId }) => ((await engine.getRequest(requestId)) === undefined ? 'no' : 'known'),
  listRequests: async ({ engine, requestId }) => {
    for (const status of ['pending', 'approved', 'denied', 'cancelled', 'expired'] as const) {
      if ((await engine.listRequests({ status })).items.some(({ id }) => id === requestId)) return status;
    }
    return 'no';
  },
};

/** Each verb that applies to a grant, and the word for its answer. */
const GRANT_VERBS: Readonly<Record<string, Verb>> = {
  revoke: async ({ engine, grantId }) => wordForGrant(await engine.revoke(grantId, { by: LEE })),
  release: async ({ engine, grantId }) => wordForGrant(await engine.release(grantId, { by: MAYA })),
  revokeAll: async ({ engine }) => (await engine.revokeAll({ subject: MAYA }, { by: LEE })).grants.length,
  extend: async ({ engine, grantId }) => asked(await engine.extend(grantId, { requestedBy: MAYA, ttl: 5 * MINUTE })),
  breakGlass: async ({ engine }) => asked(await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: MINUTE, justification: 'it burns' })),
  requestAccess: async ({ engine }) => asked(await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: MINUTE, justification: 'x' })),
  sweep: async ({ engine }) => done(await engine.sweep()),
  withAccess: ({ engine }) => withAccess(engine, MAYA, SCOPE, ({ aborted }) => (aborted ? 'aborted' : 'works')),
  watchAccess: async ({ engine, clock }) => {
    const watch = await watchAccess(engine, MAYA, SCOPE);
    const left = (watch.until ?? 0) - clock.now();
    watch.stop();
    return left > 0 ? 'covered' : 'over';
  },
  explain: async ({ engine }) => (await explain(engine, MAYA, SCOPE)).reason,
  isAllowed: ({ engine }) => engine.isAllowed(MAYA, SCOPE),
  check: async ({ engine }) => (await engine.check(MAYA, SCOPE)).reason,
  assertAllowed: async ({ engine }) => (await engine.assertAllowed(MAYA, SCOPE)).reason,
  filterAllowed: async ({ engine }) => (await engine.filterAllowed(MAYA, [SCOPE])).length,
  status: async ({ engine, grantId }) => held(await engine.status(MAYA), grantId),
  'check.touch': async ({ engine }) => (await engine.check(MAYA, SCOPE, { touch: 'wait' })).reason,
  consume: async ({ engine }) => `left:${String((await engine.consume(MAYA, SCOPE)).usesLeft)}`,
  whoHadAccess: async ({ engine, grantId, clock }) =>
    among((await engine.whoHadAccess({ scope: SCOPE, at: clock.now() })).items, grantId, 'held'),
  'listGrants.during': async ({ engine, grantId, clock }) =>
    among((await engine.listGrants({ subject: MAYA, during: { from: at(0), to: clock.now() + 1 } })).items, grantId, 'held'),
  getRequest: async ({ engine, requestId, grantId }) => among((await engine.getRequest(requestId))?.grants ?? [], grantId, 'known'),
  getGrant: async ({ engine, grantId }) => (await engine.getGrant(grantId))?.status ?? 'no',
  listGrants: async ({ engine, grantId }) => {
    for (const status of ['scheduled', 'active', 'expired', 'revoked'] as const) {
      if ((await engine.listGrants({ status })).items.some(({ id }) => id === grantId)) return status;
    }
    return 'no';
  },
};

/** The verbs that involve neither a record nor a subject, and those of locks, which lock.test.ts holds. */
const OTHERS = ['idle', 'flushAudit', 'close', 'lock', 'unlock', 'listLocks'];

/*
 * The tables: a line for each verb, a column for each state. A cell holds the word for the answer of the verb, or the code of
 * the refusal without its `ERR_JIT`. After a `>` it holds the new state of the record, if the verb has changed it.
 */
const REQUESTS = `
                         none         undecided              pending              halfway              overdue            approved           denied             cancelled          expired            unreviewed               missed                   acknowledged
  requestAccess          new:pending  again:pending>pending  again:pending        again:pending        new:pending        again:granted      new:pending        new:pending        new:pending        new:pending              new:pending              new:pending
  decide.again           _NOT_FOUND   pending>pending        pending              pending              expired            granted            denied             cancelled          expired            granted                  ended                    granted
  approve                _NOT_FOUND   _UNDECIDED             granted>approved     pending              _DEADLINE          _DECIDED           _DECIDED           _DECIDED           _DECIDED           _DECIDED                 _DECIDED                 _DECIDED
  deny                   _NOT_FOUND   _UNDECIDED             denied>denied        denied>denied        _DEADLINE          _DECIDED           _DECIDED           _DECIDED           _DECIDED           _DECIDED                 _DECIDED                 _DECIDED
  comment                _NOT_FOUND   _UNDECIDED             comment>pending      comment>pending      _DEADLINE          _DECIDED           _DECIDED           _DECIDED           _DECIDED           _DECIDED                 _DECIDED                 _DECIDED
  amend                  _NOT_FOUND   new:pending>cancelled  new:pending>cancelled  new:pending>cancelled  _DEADLINE        _DECIDED           _DECIDED           _DECIDED           _DECIDED           _DECIDED                 _DECIDED                 _DECIDED
  cancel                 _NOT_FOUND   cancelled>cancelled    cancelled>cancelled  cancelled>cancelled  expired>expired    _DECIDED           _DECIDED           cancelled          expired            _DECIDED                 _DECIDED                 _DECIDED
  reviewBreakGlass       _NOT_FOUND   _INVALID_ARGUMENT      _INVALID_ARGUMENT    _INVALID_ARGUMENT    _INVALID_ARGUMENT  _INVALID_ARGUMENT  _INVALID_ARGUMENT  _INVALID_ARGUMENT  _INVALID_ARGUMENT  unjustified>unjustified  unjustified>unjustified  _DECIDED
  links.create           _NOT_FOUND   _UNDECIDED             string               string               _DEADLINE          _DECIDED           _DECIDED           _DECIDED           _DECIDED           _DECIDED                 _DECIDED                 _DECIDED
  links.open             _NOT_FOUND   approve                approve              approve              approve            approve            approve            approve            approve            approve                  approve                  approve
  links.redeem           _NOT_FOUND   _UNDECIDED             granted>approved     _LINK                _DEADLINE          _DECIDED           _DECIDED           _DECIDED           _DECIDED           _DECIDED                 _DECIDED                 _DECIDED
  revokeAll              _NOT_FOUND   1+0>cancelled          1+0>cancelled        1+0>cancelled        0+0>expired        0+1>approved       0+0                0+0                0+0                0+1>unreviewed           0+0                      0+1>justified
  waitFor                _NOT_FOUND   waits                  waits                waits                expired            granted            denied             cancelled          expired            granted                  ended                    granted
  explain                no_request   pending                pending              pending              expired            granted            denied             cancelled          expired            granted                  expired                  granted
  sweep                  nothing      nothing                nothing              nothing              expired>expired    nothing            nothing            nothing            nothing            nothing                  nothing                  nothing
  inbox                  no           no                     listed               no                   no                 no                 no                 no                 no                 no                       no                       no
  inbox.breakGlass       no           no                     no                   no                   no                 no                 no                 no                 no                 listed                   listed                   no
  getRequest             no           known                  known                known                known              known              known              known              known              known                    known                    known
  listRequests           no           pending                pending              pending              expired            approved           denied             cancelled          expired            approved                 approved                 approved
`;
const GRANTS = `
                 none         scheduled          begun              waiting                unconfirmed        active             counted            unused       usedUp       over         expired      revoked
  revoke         _NOT_FOUND   revoked>revoked    revoked>revoked    revoked>revoked        revoked>revoked    revoked>revoked    revoked>revoked    idle>idle    used_up      time>time    time         revoked
  release        _NOT_FOUND   released>released  released>released  released>released      released>released  released>released  released>released  idle>idle    used_up      time>time    time         revoked
  revokeAll      0            1>revoked          1>revoked          1>revoked              1>revoked          1>revoked          1>revoked          0>idle       0            0>time       0            0
  extend         _NOT_FOUND   new:pending        new:pending        new:pending            new:pending        new:pending        new:pending        _ENDED       _ENDED       _ENDED       _ENDED       _ENDED
  breakGlass     new:granted  new:granted        new:granted        new:granted            new:granted        new:granted        new:granted        new:granted  new:granted  new:granted  new:granted  new:granted
  requestAccess  new:granted  new:granted        again:granted      new:granted            new:granted        again:granted      new:granted        new:granted  new:granted  new:granted  new:granted  new:granted
  sweep          nothing      nothing            started>active     asked>active           asked              nothing            nothing            ended>idle   nothing      ended>time   nothing      nothing
  withAccess     _DENIED      _DENIED            works              works>active           _DENIED            works              works              _DENIED      _DENIED      _DENIED      _DENIED      _DENIED
  watchAccess    _DENIED      _DENIED            covered            covered>active         _DENIED            covered            covered            _DENIED      _DENIED      _DENIED      _DENIED      _DENIED
  explain        no_request   not_started        granted            granted>active         not_activated      granted            granted            expired      expired      expired      expired      revoked
  isAllowed      false        false              true               true>active            false              true               true               false        false        false        false        false
  check          no_grant     not_started        granted            granted>active         not_activated      granted            granted            no_grant     no_grant     no_grant     no_grant     no_grant
  assertAllowed  _DENIED      _DENIED            granted            granted>active         _DENIED            granted            granted            _DENIED      _DENIED      _DENIED      _DENIED      _DENIED
  filterAllowed  0            0                  1                  1>active               0                  1                  1                  0            0            0            0            0
  status         no           scheduled          held               held>active            scheduled          held               held               no           no           no           no           no
  check.touch    no_grant     not_started        granted            granted>active         not_activated      granted            granted            no_grant     no_grant     no_grant     no_grant     no_grant
  consume        _DENIED      _DENIED            left:undefined     left:undefined>active  _DENIED            left:undefined     left:1             _DENIED      _DENIED      _DENIED      _DENIED      _DENIED
  whoHadAccess   no           no                 held               no                     no                 held               held               no           no           no           no           no
  listGrants.during  no           no                 held               no                     no                 held               held               held         held         held         held         held
  getRequest     no           known              known              known                  known              known              known              known        known        known        known        known
  getGrant       no           scheduled          active             scheduled              scheduled          active             active             expired      expired      expired      expired      revoked
  listGrants     no           scheduled          active             scheduled              scheduled          active             active             expired      expired      expired      expired      revoked
`;

/** The cells of a table, by verb and state. */
function read(table: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const [head = [], ...lines] = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return new Map(lines.map(([verb = '', ...cells]) => [verb, new Map(head.map((state, i) => [state, cells[i] ?? 'no cell']))]));
}

const codeOf = (error: unknown): string => {
  if (!isJitError(error)) throw error;
  return error.code.replace('ERR_JIT', '');
};

/** The state of the record: a word, and all of the record. */
async function look({ engine, requestId }: State, ofGrant: boolean): Promise<{ word: string; all: unknown }> {
  const found = await engine.getRequest(requestId);
  if (found === undefined) return { word: 'none', all: undefined };
  return { word: ofGrant ? wordForGrant(found.grants[0] as Grant) : wordFor(found.request), all: found };
}

/** What a verb does in a state, in the notation of a cell. */
async function cellOf(make: () => Promise<State>, verb: Verb, ofGrant: boolean): Promise<string> {
  const state = await make();
  const [before, whole] = [await look(state, ofGrant), await wholeStore(state.store)];
  let told: string;
  let refused = false;
  try {
    told = String(await verb(state));
  } catch (error) {
    told = codeOf(error);
    refused = true;
  }
  await state.engine.flushAudit();
  // A refused verb has changed nothing, in any record.
  if (refused && (await look(state, ofGrant)).word === before.word) expect(await wholeStore(state.store)).toEqual(whole);
  const after = await look(state, ofGrant);
  const hasChanged = JSON.stringify(after.all) !== JSON.stringify(before.all);
  return hasChanged ? `${told}>${after.word}` : told;
}

describe('JitEngine', () => {
  for (const [what, table, states, verbs] of [
    ['request', REQUESTS, REQUEST_STATES, REQUEST_VERBS],
    ['grant', GRANTS, GRANT_STATES, GRANT_VERBS],
  ] as const) {
    describe(`every verb on a ${what} in every state`, () => {
      const cells = read(table);
      it('L8 has a cell in the table', () => {
        expect([...cells.keys()].sort()).toEqual(Object.keys(verbs).sort());
        for (const line of cells.values()) expect([...line.keys()]).toEqual(Object.keys(states));
      });
      for (const [verb, line] of cells) {
        for (const [state, cell] of line) {
          it(`L8 ${verb} on a ${what} that is ${state}: ${cell}`, async () => {
            expect(await cellOf(states[state] as () => Promise<State>, verbs[verb] as Verb, what === 'grant')).toBe(cell);
          });
        }
      }
    });
  }

  it('has no verbs other than those of the two tables, and a few that no state affects', () => {
    const own = Object.getOwnPropertyNames(JitEngine.prototype)
      .filter((name) => name !== 'constructor')
      .concat('explain');
    const named = [...Object.keys(REQUEST_VERBS), ...Object.keys(GRANT_VERBS), ...OTHERS];
    const known = new Set(named.filter((name) => !name.includes('.')));
    expect([...known].sort()).toEqual([...own, ...Object.keys(work)].sort());
  });
});
