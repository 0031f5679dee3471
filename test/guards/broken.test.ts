import { createGuard, untilRead, type Access, type Admitted, type Refused } from 'jit-access/guard';
import { ContractViolation, guardContract, type GuardedRoute, type TestRunner } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { bodyOf } from './serving.js';

/** What an adapter can do wrong: allow a caller, reveal too much, or leave a timer or a watch. */
interface Bug {
  /** Runs before the guard's answer. */
  readonly outcome?: (outcome: Admitted | Refused, request: Request) => Admitted | Refused;
  readonly refuse?: (refused: Refused) => Response;
  readonly fail?: (error: Error) => Response | undefined;
  readonly subject?: (request: Request, session: string | undefined) => string | undefined;
  readonly id?: (id: string) => string;
  readonly choices?: (choices: GuardedRoute['choices']) => GuardedRoute['choices'];
  readonly access?: (access: Access) => Access | Promise<Access>;
  readonly ignoresAnswer?: boolean;
  /** Runs the handler although it has refused: the handler's response is dropped, but its effects are not. */
  readonly goesOn?: boolean;
  readonly watch?: (response: Response, request: Request, stop: () => void) => Response;
}

const refuse = ({ refusal }: Refused) => new Response(JSON.stringify(refusal.body), { status: refusal.status, headers: refusal.headers });

function watch(response: Response, request: Request, stop: () => void): Response {
  request.signal.addEventListener('abort', stop);
  return untilRead(response, true, stop);
}

/** An adapter in this process, correct except for one bug. */
function handlerFor({ engine, choices, subject, scope, answer, answered }: GuardedRoute, bug: Bug) {
  let isAnswered = false;
  const early = answered?.then(() => {
    isAnswered = true;
    return new Response(null, { status: 503 });
  });
  const sessionOf = (request: Request) => request.headers.get('session') ?? undefined;
  const guard = createGuard(engine, {
    ...(bug.choices?.(choices) ?? choices),
    subject: (request: Request, _id: string) =>
      subject(bug.subject === undefined ? sessionOf(request) : bug.subject(request, sessionOf(request))),
    scope: typeof scope === 'string' ? scope : (_request, id) => scope(bug.id?.(id) ?? id),
  });
  const run = async (access: Access) => new Response(bodyOf(answer(await (bug.access?.(access) ?? access))));
  const handle = async (request: Request, id: string): Promise<Response> => {
    let outcome;
    try {
      outcome = await guard(request, id);
    } catch (error) {
      return bug.fail?.(error as Error) ?? new Response(null, { status: 500 });
    }
    outcome = bug.outcome?.(outcome, request) ?? outcome;
    if (isAnswered && bug.ignoresAnswer !== true) {
      if (outcome.allowed) outcome.stop?.();
      return new Response(null, { status: 503 });
    }
    if (!outcome.allowed && bug.goesOn === true) answer({} as Access);
    if (!outcome.allowed) return (bug.refuse ?? refuse)(outcome);
    const response = await run(outcome.access);
    return outcome.stop === undefined ? response : (bug.watch ?? watch)(response, request, outcome.stop);
  };
  return (request: Request, id: string): Promise<Response> => Promise.race([handle(request, id), ...(early === undefined ? [] : [early])]);
}

const allowed = { allowed: true, access: { decision: { allowed: true } }, stop: undefined } as unknown as Admitted;
const with403 = (over: (refused: Refused) => ResponseInit & { body?: string }) => (refused: Refused) => {
  const { body = JSON.stringify(refused.refusal.body), ...init } = over(refused);
  return new Response(body, { status: refused.refusal.status, headers: refused.refusal.headers, ...init });
};

function bugs(): Readonly<Record<string, Bug>> {
  const remembered = new Map<string, Admitted | Refused>();
  let shared: Access | undefined;
  return {
    'allows what could not be checked': {
      outcome: (outcome) => (!outcome.allowed && outcome.refusal.status === 503 ? allowed : outcome),
    },
    'allows what is refused': { outcome: (outcome) => (!outcome.allowed && outcome.refusal.status === 403 ? allowed : outcome) },
    'allows no caller': {
      outcome: (outcome) =>
        outcome.allowed ? ({ ...outcome, allowed: false, refusal: { status: 403, headers: {}, body: {} } } as never) : outcome,
    },
    'treats an error as an allow': { fail: () => new Response('{}', { status: 200 }) },
    'answers 401 to an error': { fail: () => new Response(null, { status: 401 }) },
    'caches decisions by URL and session': {
      outcome: (outcome, request) => {
        const key = request.url + request.headers.get('session');
        if (!remembered.has(key)) remembered.set(key, outcome);
        return remembered.get(key) as Admitted | Refused;
      },
    },
    'caches allows by route, for every caller': {
      outcome: (outcome, request) => {
        const { pathname } = new URL(request.url);
        if (outcome.allowed) remembered.set(pathname, outcome);
        return remembered.get(pathname) ?? outcome;
      },
    },
    'passes the access of a concurrent request': {
      access: async (access) => {
        shared = access;
        await new Promise((resolve) => setImmediate(resolve));
        return shared;
      },
    },
    'guesses the caller': { subject: (request, session) => session ?? request.headers.get('x-forwarded-user') ?? undefined },
    "takes a token as the caller's id": {
      subject: (request, session) => session ?? request.headers.get('authorization')?.replace('Bearer ', ''),
    },
    'repairs an id from the route': { id: (id) => id.trim().replace(/[^\w.:/-]/gu, '') },
    'drops the headers': { refuse: with403(({ refusal }) => ({ headers: { 'content-type': refusal.headers['content-type'] as string } })) },
    'answers with a plain JSON content type': {
      refuse: with403(({ refusal }) => ({ headers: { ...refusal.headers, 'content-type': 'application/json' } })),
    },
    'lets caches store refusals': { refuse: with403(({ refusal }) => ({ headers: { ...refusal.headers, 'cache-control': 'private' } })) },
    'shows the reason': {
      refuse: with403(({ refusal, decision }) => ({ body: JSON.stringify({ ...refusal.body, reason: decision?.reason }) })),
    },
    'shows the failure': {
      refuse: with403(({ refusal, error }) => ({
        body: JSON.stringify({ ...refusal.body, cause: String((error as { cause?: unknown } | undefined)?.cause) }),
      })),
    },
    'drops the option touch': { choices: ({ abortOnEnd, onRefused }) => ({ abortOnEnd, onRefused }) },
    'drops onRefused': { choices: (choices) => ({ ...choices, onRefused: undefined }) },
    'counts no use': { choices: (choices) => ({ ...choices, touch: false }) },
    'gives its own signal': {
      access: ({ decision, grantId }) => ({ observed: false, decision, grantId, signal: new AbortController().signal }),
    },
    'stops the watch too soon': { watch: (response, _request, stop) => (stop(), response) },
    'never stops the watch': { watch: (response) => response },
    'does not notice that a client disconnects': {
      watch: (response, _request, stop) =>
        untilRead(
          new Response(response.body?.pipeThrough(new TransformStream({ transform: (piece, to) => to.enqueue(piece) }))),
          true,
          () => void stop,
        ),
    },
    'runs the handler of a request that was already answered': { ignoresAnswer: true },
    'refuses, but runs the handler': { goesOn: true },
    'refuses what it should only observe': { choices: (choices) => ({ ...choices, observe: false }) },
    'answers by the decision of a guard that observes': {
      outcome: (outcome) =>
        outcome.allowed && outcome.access.observed && outcome.access.decision?.allowed === false
          ? ({ allowed: false, refusal: { status: 403, headers: {}, body: {} } } as never)
          : outcome,
    },
    'drops the option observed': { choices: (choices) => ({ ...choices, observed: undefined }) },
    'answers 200 to everything': { refuse: with403(() => ({ status: 200 })) },
  };
}

function contract(runner: TestRunner, bug: Bug): void {
  guardContract(runner, {
    name: 'in this process',
    answersEarly: true,
    serve(routes) {
      const handlers = new Map(routes.map((route) => [route.name, handlerFor(route, bug)]));
      return {
        call: async (name, id, init) =>
          (await handlers.get(name)?.(new Request(`http://here/${name}/${encodeURIComponent(id)}`, init), id)) as Response,
        close: () => undefined,
      };
    },
  });
}

/** Runs a suite, and returns the result of each case. A case that still runs after many turns never ends. */
async function results(bug: Bug): Promise<ReadonlyMap<string, unknown>> {
  const cases: [string, () => Promise<void>][] = [];
  contract({ describe: (_, body) => body(), it: (name, body) => cases.push([name, body]) }, bug);
  const never = async () => {
    for (let turn = 0; turn < 5_000; turn++) await new Promise((resolve) => setImmediate(resolve));
    throw new Error('the case never ends');
  };
  const ran = cases.map(async ([name, body]) => [name, await Promise.race([body(), never()]).catch((error: unknown) => error)] as const);
  return new Map(await Promise.all(ran));
}

const failed = (ran: ReadonlyMap<string, unknown>) => [...ran].flatMap(([name, error]) => (error === undefined ? [] : [name]));

describe('the guard contract', () => {
  it('passes a correct adapter', async () => {
    expect(failed(await results({}))).toEqual([]);
  });

  it.each([
    [
      'no runner',
      [{ name: 'x', serve: () => undefined }],
      'runner must be an object with describe, it; got an object without describe, it',
    ],
    ['no serve', [{ describe, it }, { name: 'x' }], 'options must be an object with serve; got an object without serve'],
  ])('refuses %s', (_, args, message) => {
    expect(() => guardContract(...(args as unknown as Parameters<typeof guardContract>))).toThrow(message);
  });

  it('names an invalid result of serve()', async () => {
    const cases: (() => Promise<void>)[] = [];
    const runner: TestRunner = { describe: (_, body) => body(), it: (_, body) => cases.push(body) };
    guardContract(runner, { name: 'serves nothing', serve: () => undefined as never });
    await expect(cases[0]?.()).rejects.toThrow('serve(...) must be an object with call, close; got undefined');
  });

  it.each(Object.entries(bugs()))('fails an adapter that %s', async (_, bug) => {
    const ran = await results(bug);
    expect(failed(ran)).not.toEqual([]);
    const violations = [...ran.values()].filter((error) => error instanceof ContractViolation);
    for (const { message } of violations) expect(message).toMatch(/^guarantee [1-8]\. .+\n.+/s);
  });
});
