import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, {
  type NextFunction,
  type Request,
  type Response,
} from 'express';
import {
  isJitError,
  JitEngine,
  MemoryGrantStore,
  NotFoundError,
} from 'jit-access';
import type {
  AccessAsk,
  AccessRequest,
  AccessStatus,
  By,
  JitErrorCode,
  RequestWithStatus,
  ReviewBy,
} from 'jit-access';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';

/** The clock is moved by hand, so that a window of half an hour takes no time. A service leaves it out. */
const clock = new ManualClock();
const policy = definePolicy({
  groups: {
    developers: ['user:maya', 'user:eve'],
    platform: ['user:sam', 'user:ana'],
    security: ['user:lee'],
  },
  rules: [
    {
      id: 'prod',
      scopes: ['db-prod:*'],
      subjects: [{ group: 'developers' }],
      maxTtl: '1h',
      review: { groups: { platform: 1 } },
    },
  ],
  breakGlass: [
    {
      id: 'emergency',
      scopes: ['db-prod:*'],
      subjects: [{ group: 'developers' }],
      maxTtl: '15m',
      reviewers: ['security'],
      reviewWithin: '24h',
    },
  ],
});
const engine = new JitEngine({
  store: new MemoryGrantStore(),
  approver: policy,
  clock,
});

/**
 * The caller. The engine trusts this id, so it must be one that your code has verified. This function looks up a session that a
 * login has made; the login is not shown.
 */
const sessions = new Map(
  ['maya', 'eve', 'sam', 'lee'].map((name) => [
    `session-of-${name}`,
    `user:${name}`,
  ]),
);
const identify = (req: Request): string | undefined =>
  sessions.get(req.get('x-session') ?? '');

const STATUS: Partial<Record<JitErrorCode, number>> = {
  ERR_JIT_INVALID_ARGUMENT: 400,
  ERR_JIT_REQUIREMENTS: 400,
  ERR_JIT_INELIGIBLE: 403,
  ERR_JIT_DENIED: 403,
  ERR_JIT_LOCKED: 403,
  ERR_JIT_NOT_REVIEWER: 403,
  ERR_JIT_SELF_REVIEW: 403,
  ERR_JIT_NOT_FOUND: 404,
  ERR_JIT_DEADLINE: 409,
  ERR_JIT_DECIDED: 409,
  ERR_JIT_IDEMPOTENCY: 409,
  ERR_JIT_UNDECIDED: 409,
  ERR_JIT_LIMIT: 429,
  ERR_JIT_APPROVER: 503,
  ERR_JIT_CLOCK: 503,
  ERR_JIT_CONFLICT: 503,
  ERR_JIT_OUTCOME_UNKNOWN: 503,
  ERR_JIT_STORE: 503,
};

const isOwn = (caller: string, { subject, requestedBy }: AccessRequest) =>
  caller === subject || caller === requestedBy;

/** Whether the caller may review the request, or its break-glass use. */
async function isReviewer(
  caller: string,
  request: AccessRequest,
): Promise<boolean> {
  if (isOwn(caller, request)) return false;
  if (request.afterReview !== undefined)
    return (await policy.mayReviewBreakGlass?.(caller, request)) === true;
  return ((await policy.groupsOf?.(caller, request)) ?? []).length > 0;
}

/** A request, for its subject, its requester and its reviewers. For any other caller it does not exist. */
async function visible(id: string, caller: string) {
  const found = await engine.getRequest(id);
  if (found === undefined) throw new NotFoundError('request', id);
  const mayReview = await isReviewer(caller, found.request);
  if (!mayReview && !isOwn(caller, found.request))
    throw new NotFoundError('request', id);
  return { ...found, mayReview };
}

/** Reviewers write their comments for each other. */
const view = (request: RequestWithStatus, mayReview = false) => ({
  ...request,
  reviews: request.reviews.map((review) =>
    mayReview ? review : { ...review, comment: undefined },
  ),
});

/** The scopes that are held, each with its end. In the last five minutes the text counts down. */
function badgeText({ at, windows }: AccessStatus): string {
  const ends = new Map<string, number>();
  for (const { scope, startsAt, endsAt } of windows) {
    if (startsAt <= at)
      ends.set(scope, Math.max(endsAt, ends.get(scope) ?? 0));
  }
  const texts = [...ends].map(([scope, end]) => {
    if (end - at > 300_000)
      return `${scope} (expires ${new Date(end).toISOString().slice(11, 16)})`;
    return `${scope} (expires in ${new Date(end - at + 999).toISOString().slice(14, 19)})`;
  });
  return texts.join(', ') || 'read-only';
}

const app = express();
app.use(express.json(), (req, res, next) => {
  res.set('cache-control', 'no-store').locals.caller = identify(req);
  if (res.locals.caller === undefined)
    res.status(401).json({ code: 'unauthenticated' });
  else next();
});
const callerOf = (res: Response) => res.locals.caller as string;
const pageOf = ({ query: { after, limit } }: Request) => ({
  after: after as string | undefined,
  limit: limit === undefined ? undefined : Number(limit),
});
/** Names each field: a client must not be able to set the caller. */
function askOf(req: Request, res: Response) {
  const { scope, ttl, justification, ticket } = (req.body ??
    {}) as Partial<AccessAsk>;
  const idempotencyKey = req.get('idempotency-key');
  return {
    subject: callerOf(res),
    scope,
    ttl,
    justification,
    ticket,
    idempotencyKey,
  };
}
function byOf(req: Request<{ id: string }>, res: Response) {
  return {
    by: callerOf(res),
    reason: ((req.body ?? {}) as Partial<By>).reason,
  };
}

app.post('/requests', async (req, res) => {
  const { request, outcome, reused } = await engine.requestAccess(
    askOf(req, res),
  );
  res.status(reused ? 200 : 201).json({ outcome, request: view(request) });
});
app.post('/break-glass', async (req, res) => {
  const { justification = '', ...ask } = askOf(req, res);
  const { request, outcome, reused } = await engine.breakGlass({
    ...ask,
    justification,
  });
  res.status(reused ? 200 : 201).json({ outcome, request: view(request) });
});
app.get('/requests', async (req, res) => {
  const { items, next } = await engine.listRequests({
    subject: callerOf(res),
    ...pageOf(req),
  });
  res.json({ items: items.map((request) => view(request)), next });
});
app.get('/requests/:id', async (req, res) => {
  const { mayReview, request, ...found } = await visible(
    req.params.id,
    callerOf(res),
  );
  res.json({ ...found, request: view(request, mayReview) });
});
app.get('/inbox', async (req, res) => {
  res.json(await engine.inbox(callerOf(res), pageOf(req)));
});
for (const verdict of ['approve', 'deny'] as const) {
  app.post(
    `/requests/:id/${verdict}`,
    async (req: Request<{ id: string }>, res) => {
      await visible(req.params.id, callerOf(res));
      const { comment } = (req.body ?? {}) as Partial<ReviewBy>;
      const { outcome, request } = await engine[verdict](req.params.id, {
        ...byOf(req, res),
        comment,
      });
      res.json({ outcome, request: view(request, true) });
    },
  );
}
app.post('/requests/:id/cancel', async (req, res) => {
  await visible(req.params.id, callerOf(res));
  res.json(view(await engine.cancel(req.params.id, byOf(req, res))));
});
app.post('/requests/:id/revoke', async (req, res) => {
  const { grants } = await visible(req.params.id, callerOf(res));
  res.json(
    await Promise.all(
      grants.map(({ id }) => engine.revoke(id, byOf(req, res))),
    ),
  );
});
app.get('/status', async (_req, res) => {
  const status = await engine.status(callerOf(res));
  res.json({ badge: badgeText(status), changesAt: status.changesAt });
});

// Express needs all four parameters to recognise an error handler.
app.use(
  (error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    if (!isJitError(error)) {
      // The parser of bodies throws errors with a status.
      const { status = 500 } = error as { status?: number };
      if (status >= 500) console.error(error);
      res
        .status(status)
        .json({ code: status < 500 ? 'bad_request' : 'internal' });
      return;
    }
    const status = STATUS[error.code] ?? 500;
    if (status >= 500) console.error(error);
    if (status === 503) res.set('retry-after', '5');
    const problems = 'problems' in error ? error.problems : undefined;
    res.status(status).json({
      code: error.code,
      message: status < 500 ? error.message : undefined,
      problems,
    });
  },
);

async function main() {
  const server = app.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  interface Answer {
    readonly code?: string;
    readonly outcome?: string;
    readonly badge?: string;
    readonly status?: string;
    readonly request?: {
      readonly id: string;
      readonly reviews: readonly { readonly comment?: string }[];
    };
    readonly items?: readonly { readonly missingInWords?: string }[];
  }
  const call = async (who: string, route: string, body?: object) => {
    const [method = '', path = ''] = route.split(' ');
    const response = await fetch(`http://localhost:${port}${path}`, {
      method,
      headers: {
        'x-session': `session-of-${who}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return {
      http: response.status,
      ...((await response.json()) as Answer),
    };
  };
  const badgeOf = async (who: string) =>
    (await call(who, 'GET /status')).badge;

  console.log(
    'guessed session:',
    (await call('guessed', 'GET /status')).http,
  );
  const asked = await call('maya', 'POST /requests', {
    scope: 'db-prod:write',
    ttl: '30m',
    justification: 'a hotfix',
  });
  const path = `/requests/${asked.request?.id}`;
  console.log('maya asks:', asked.http, asked.outcome);
  console.log(
    'her own requests:',
    (await call('maya', 'GET /requests')).items?.length,
  );

  // The request exists for its subject and its reviewers only.
  for (const who of ['maya', 'sam', 'eve', 'lee'])
    console.log(`${who} reads it:`, (await call(who, `GET ${path}`)).http);
  for (const who of ['maya', 'eve'])
    console.log(
      `${who} approves it:`,
      (await call(who, `POST ${path}/approve`)).code,
    );

  const { items } = await call('sam', 'GET /inbox');
  console.log(
    "sam's inbox:",
    items?.map(({ missingInWords }) => missingInWords).join(),
  );
  console.log(
    'sam approves it:',
    (
      await call('sam', `POST ${path}/approve`, {
        comment: 'she is on call',
      })
    ).outcome,
  );
  const commentFor = async (who: string) =>
    (await call(who, `GET ${path}`)).request?.reviews[0]?.comment;
  console.log(
    'the comment, for sam and for maya:',
    await commentFor('sam'),
    await commentFor('maya'),
  );
  console.log(
    'too late to deny:',
    (await call('sam', `POST ${path}/deny`)).http,
  );

  console.log('badge:', await badgeOf('maya'));
  await clock.advance('27m');
  console.log('badge, 27 minutes later:', await badgeOf('maya'));
  console.log(
    'sam revokes it:',
    (await call('sam', `POST ${path}/revoke`, { reason: 'done' })).http,
  );
  console.log('badge:', await badgeOf('maya'));

  const second = await call('maya', 'POST /requests', {
    scope: 'db-prod:drop',
    ttl: '30m',
  });
  const cancel = () =>
    call('maya', `POST /requests/${second.request?.id}/cancel`);
  console.log('maya cancels another request:', (await cancel()).status);
  console.log(
    'too long:',
    (
      await call('maya', 'POST /requests', {
        scope: 'db-prod:write',
        ttl: '2h',
      })
    ).code,
  );
  const emergency = {
    scope: 'db-prod:write',
    ttl: '15m',
    justification: 'orders are lost',
  };
  console.log(
    'break-glass:',
    (await call('maya', 'POST /break-glass', emergency)).outcome,
    await badgeOf('maya'),
  );

  server.close();
  server.closeAllConnections();
}

void main();
