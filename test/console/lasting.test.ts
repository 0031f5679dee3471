import { expect, it } from 'vitest';
import { PROBLEMS, toProblem } from '../../src/features/http/problem.js';
import { createClient } from '../../src/features/client/client.js';
import { engineErrorOf } from '../../src/features/client/errors.js';
import { main } from '../../src/cli/main.js';
import { DecisionQueue, readKept } from '../../src/console/app/parts/decision-queue.js';
import { refusalOf } from '../../src/console/app/views/ask/problems.js';
import { ManualClock } from '../../src/testing.js';

/** An answer of the API to each error that it can have, and whether a repeat can end it. */
const ANSWERS = PROBLEMS.map(({ name }) => {
  const code = `ERR_JIT_${name.toUpperCase().replaceAll('-', '_')}`;
  const { status, headers, body } = toProblem(engineErrorOf({ message: code, problem: { code } }));
  const isLasting = status === 503 && headers['retry-after'] === undefined;
  return { code, isLasting, body, respond: () => new Response(JSON.stringify(body), { status, headers }) };
});
const LASTING = ANSWERS.filter(({ isLasting }) => isLasting);

it('[A33] four failures of the API last until an operator acts', () => {
  expect(LASTING.map(({ code }) => code).sort()).toEqual(['ERR_JIT_HOOK', 'ERR_JIT_LAYOUT', 'ERR_JIT_MOVED', 'ERR_JIT_ROLLBACK']);
});

/** What the client of the page rejects with. */
async function failureOf(respond: () => Response): Promise<unknown> {
  const clock = new ManualClock();
  const client = createClient({ baseUrl: 'https://a.example', fetch: () => Promise.resolve(respond()), clock });
  // Not a keyed call, so it is not repeated.
  return client.approve('r').then(
    () => undefined,
    (error: unknown) => error,
  );
}

it.each(ANSWERS)(
  '[A33] the console shows the words of the API about $code only if the failure lasts',
  async ({ body, isLasting, respond }) => {
    const error = await failureOf(respond);
    const shown = isLasting ? body.detail : undefined;
    // An ask, sent or checked.
    expect(refusalOf(error, false).lasting).toBe(shown);
    // A decision, also after a visit in which its request does not have it, and after another visit.
    const said: unknown[] = [];
    let kept: unknown;
    const queue = new DecisionQueue({
      send: () => Promise.reject(error),
      isRecorded: () => Promise.resolve(false),
      keep: (held) => (kept = held[0]),
      isVisible: () => false,
      after: () => () => undefined,
      onRecorded: () => undefined,
      onRefused: ({ state, lasting }) => said.push([state, lasting]),
    });
    queue.decide({ ...DECISION, verdict: 'approve' });
    await Promise.resolve();
    await Promise.resolve();
    if (!isLasting) {
      expect(said).toEqual([[expect.any(String), undefined]]);
      return;
    }
    await queue.check();
    expect(said).toEqual([
      ['unanswered', shown],
      ['refused', shown],
    ]);
    expect(readKept([JSON.parse(JSON.stringify(kept))])).toMatchObject([{ state: 'refused', lasting: shown }]);
  },
);

const DECISION = {
  requestId: 'r',
  version: 1,
  subject: 'user:maya',
  scopes: ['db-prod:write'],
  ttlMs: 60_000,
  isNarrowed: false,
  decidedAt: 0,
  reason: undefined,
  comment: undefined,
};

/** The commands that call the service about one thing. */
const COMMANDS = [['status'], ['ask', 'db-prod:write'], ['approve', 'r'], ['revoke', 'g'], ['lock', '--subject', 'user:maya']];

it.each(LASTING)('[A33] each command prints the words of the API about $code, and asks for no repeat', async ({ code, body, respond }) => {
  for (const args of COMMANDS) {
    let err = '';
    let calls = 0;
    const exit = await main([...args, '--url', 'https://a.example'], {
      env: {},
      out: () => undefined,
      err: (text) => (err += text),
      fetch: () => (calls++, Promise.resolve(respond())),
      clock: new ManualClock(),
    });
    expect([args, exit, calls, err]).toEqual([args, 3, 1, `FAILED: ${body.detail} (${code})\n`]);
  }
});
