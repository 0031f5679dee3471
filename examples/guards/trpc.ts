import { initTRPC, TRPCError } from '@trpc/server';
import {
  createGuard,
  type GuardEngine,
  type GuardOptions,
  type Refusal,
} from 'jit-access/guard';
import type { MaybePromise } from 'jit-access';

/** What a guard is given here: what the client has sent, and how it was let in. */
export interface Call {
  readonly ctx: { readonly session: string | undefined };
  getRawInput(): Promise<unknown>;
}

class AccessRefused extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.body.title);
  }
}

const refusalOf = ({ cause }: TRPCError): Refusal | undefined =>
  cause instanceof AccessRefused ? cause.refusal : undefined;

/** An error has the refusal in its data, where a subscription, which has no status and no headers, can read it too. */
export const t = initTRPC.context<Call['ctx']>().create({
  errorFormatter: ({ shape, error }) => ({
    ...shape,
    data: { ...shape.data, stack: undefined, refusal: refusalOf(error) },
  }),
});

/** For the handler of the server, which sends the headers of a refusal. */
export const responseMeta = ({
  errors,
}: {
  readonly errors: readonly TRPCError[];
}) => {
  const [refusal] = errors.map(refusalOf);
  return refusal === undefined
    ? {}
    : {
        headers: { ...refusal.headers, 'content-type': 'application/json' },
      };
};

const CODES = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  503: 'SERVICE_UNAVAILABLE',
} as const;

/** An adapter for tRPC, whole: a middleware; the procedure finds the access in `ctx.access`. */
export function requireGrant(
  engine: GuardEngine,
  options: GuardOptions<[call: Call]>,
) {
  const guard = createGuard(engine, options);
  return t.middleware(async (call) => {
    const outcome = await guard(call);
    if (!outcome.allowed) {
      const { refusal } = outcome;
      throw new TRPCError({
        code: CODES[refusal.status],
        message: refusal.body.title,
        cause: new AccessRefused(refusal),
      });
    }
    const { access, stop = () => undefined } = outcome;
    call.signal?.addEventListener('abort', stop, { once: true });
    if (call.signal?.aborted === true) stop();
    const result = await call.next({ ctx: { access } });
    // A subscription has only begun now.
    if (result.ok && isIterable(result.data))
      return { ...result, data: untilDone(result.data, stop) };
    stop();
    return result;
  });
}

const isIterable = (data: unknown): data is AsyncIterable<unknown> =>
  typeof data === 'object' && data !== null && Symbol.asyncIterator in data;

async function* untilDone(
  data: AsyncIterable<unknown>,
  call: () => MaybePromise<void>,
) {
  try {
    yield* data;
  } finally {
    await call();
  }
}
