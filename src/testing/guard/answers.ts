import { holds, same } from '../assertions.js';
import type { Cases, Hooks } from './cases.js';
import { isRefused } from './steps.js';
import type { GuardWorld } from './world.js';

export const answers: Cases = (it, hooks) => {
  sameAnswer(it, hooks);
  problems(it, hooks);
  requestUrls(it, hooks);
};

/** The parts of a refusal that its client sees. */
async function refusal({ problemOf }: Hooks, world: GuardWorld, status: number, response: Response) {
  const text = await isRefused(world, status, response);
  const body: unknown = JSON.parse(text);
  const { headers } = response;
  return {
    text,
    problem: (problemOf === undefined ? body : problemOf(body)) as Readonly<Record<string, unknown>> | undefined,
    type: headers.get('content-type'),
    caching: headers.get('cache-control'),
    challenge: headers.get('www-authenticate'),
    retryAfter: headers.get('retry-after'),
  };
}

/** States of access in which a check denies. */
const STANDINGS: readonly (readonly [outcome: string, make: (world: GuardWorld) => Promise<unknown>])[] = [
  ['was never asked for', async () => undefined],
  ['begins later', async (world) => world.grant('user:maya', { startsAt: world.clock.now() + 60_000 })],
  ['has ended', async (world) => world.clock.set((await world.grant()).expiresAt)],
  ['was revoked', async (world) => world.engine.revoke((await world.grant()).id, { by: 'user:sam', reason: 'a leak' })],
];

/** A 403 does not reveal its reason. */
const sameAnswer: Cases = (it, hooks) => {
  for (const [outcome, make] of STANDINGS) {
    it(`says the same for every reason: access that ${outcome}`, async (world) => {
      await make(world);
      const said = await refusal(hooks, world, 403, await world.call('plain', 'user:maya'));
      same(
        said.problem,
        {
          type: 'urn:jit-access:problem:access-required',
          title: 'Access required',
          status: 403,
          detail: 'This request requires access that the caller does not have now.',
          scope: 'db-prod:write',
        },
        'the problem of a 403',
      );
      same(said.challenge, 'Bearer error="insufficient_scope", scope="db-prod:write"', 'the challenge of a 403');
      same(said.caching, 'no-store', 'the cache-control of a 403');
      same(said.retryAfter, null, 'the retry-after of a 403');
      for (const secret of [
        'maya',
        'sam',
        'leak',
        'grant',
        'auto',
        ...(world.refused[0]?.decision === undefined ? [] : [world.refused[0].decision.reason]),
      ]) {
        holds(!said.text.includes(secret), `a 403 does not say ${secret}: ${said.text}`);
      }
      holds(world.refused[0]?.decision?.allowed === false, 'onRefused receives the decision');
    });
  }
};

/** Every refusal has its own problem type, and must not be cached. */
const problems: Cases = (it, hooks) => {
  it('answers in problem+json, each kind with its own type', async (world) => {
    const none = await refusal(hooks, world, 401, await world.call('plain', undefined));
    const held = await refusal(hooks, world, 403, await world.call('plain', 'user:maya'));
    const bad = await refusal(hooks, world, 400, await world.call('routed', 'user:maya', { id: '*' }));
    world.store.inject('all', { fault: 'reject' });
    const down = await refusal(hooks, world, 503, await world.call('plain', 'user:maya'));
    same(
      [none, held, bad, down].map(({ problem }) => [problem?.status, problem?.type]),
      [
        [401, 'urn:jit-access:problem:unauthenticated'],
        [403, 'urn:jit-access:problem:access-required'],
        [400, 'urn:jit-access:problem:invalid-scope'],
        [503, 'urn:jit-access:problem:unavailable'],
      ],
      'the problems',
    );
    for (const { type, caching, problem } of [none, held, bad, down]) {
      if (hooks.problemOf === undefined)
        holds(/^application\/problem\+json\b/.test(type ?? ''), `a refusal is application/problem+json: got ${type ?? 'nothing'}`);
      same(caching, 'no-store', 'the cache-control of a refusal');
      holds(typeof problem?.title === 'string' && typeof problem.detail === 'string', 'a problem has a title and a detail');
    }
  });
};

/** A refusal says where access can be requested, and nothing that its caller must not know. */
const requestUrls: Cases = (it, hooks) => {
  it('says where to ask, where that is configured', async (world) => {
    const { problem, challenge } = await refusal(hooks, world, 403, await world.call('desk', 'user:maya'));
    const requestUrl = 'https://desk.example/ask?team=a%22b&scope=db-prod%3Awrite#now';
    same(problem?.requestUrl, requestUrl, 'where to ask, in the problem');
    same(challenge, `Bearer error="insufficient_scope", scope="db-prod:write", error_uri="${requestUrl}"`, 'the challenge of a 403');
  });

  it('names neither the scope nor a URL where access cannot be requested', async (world) => {
    const { text, challenge } = await refusal(hooks, world, 403, await world.call('unasked', 'user:maya'));
    same(challenge, null, 'the challenge of a 403');
    holds(!text.includes('db-prod'), `a 403 does not name the scope: ${text}`);
  });

  it('reveals only that there is an outage', async (world) => {
    world.store.inject('all', { fault: 'reject', error: new Error('connect ECONNREFUSED db.internal:5432') });
    const { text } = await refusal(hooks, world, 503, await world.call('plain', 'user:maya'));
    for (const secret of ['ECONNREFUSED', 'internal', 'live', 'maya', 'db-prod']) {
      holds(!text.includes(secret), `a 503 does not say ${secret}: ${text}`);
    }
  });
};
