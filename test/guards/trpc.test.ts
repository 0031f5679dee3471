import { createServer, type IncomingMessage } from 'node:http';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { guardContract, type GuardedRoute } from 'jit-access/testing';
import { describe, it } from 'vitest';
import { requireGrant, responseMeta, t, type Call } from '../../examples/guards/trpc.js';
import { overSocket } from './serving.js';

interface ErrorShape {
  readonly error?: { readonly data?: Data };
}
interface Data {
  readonly httpStatus: number;
  readonly refusal?: { readonly headers: Record<string, string>; readonly body: unknown };
}

interface Event {
  readonly event: string;
  readonly data: string;
}

/** A streaming route is a subscription, all others are queries. */
function procedureFor({ engine, choices, subject, scope, answer }: GuardedRoute) {
  const options = {
    ...choices,
    subject: ({ ctx }: Call) => subject(ctx.session),
    scope: typeof scope === 'string' ? scope : async (call: Call) => scope((await call.getRawInput()) as string),
  };
  const guarded = t.procedure.use(requireGrant(engine, options));
  if (choices.abortOnEnd !== undefined) return guarded.subscription(({ ctx }) => answer(ctx.access));
  return guarded.query(async ({ ctx }) => {
    let text = '';
    for await (const piece of answer(ctx.access)) text += piece;
    return text;
  });
}

guardContract(
  { describe, it },
  {
    name: 'tRPC',
    problemOf: (body) => (body as ErrorShape).error?.data?.refusal?.body,
    async serve(routes) {
      const router = t.router(Object.fromEntries(routes.map((route) => [route.name, procedureFor(route)])));
      const createContext = ({ req }: { req: IncomingMessage }) => ({
        session: req.headers.session as string | undefined,
      });
      const server = await overSocket(createServer(createHTTPHandler({ router, createContext, responseMeta })));
      const isSubscription = (name: string) => routes.some((route) => route.name === name && route.choices.abortOnEnd !== undefined);
      return {
        async call(name, id, init) {
          const response = await server.call(`${name}?input=${encodeURIComponent(JSON.stringify(id))}`, '', init);
          if (isSubscription(name)) return ofEvents(response);
          if (!response.ok) return response;
          return new Response(((await response.json()) as { result: { data: string } }).result.data);
        },
        close: () => server.close(),
      };
    },
  },
);

/** What a tRPC client receives from a subscription: its pieces, or the error of its start. */
async function ofEvents(response: Response): Promise<Response> {
  const events = eventsOf(response.body as ReadableStream<Uint8Array>);
  const first = await events.next();
  if (first.value?.event === 'serialized-error') {
    const error = JSON.parse(first.value.data) as { data: Data };
    await events.return(undefined);
    return new Response(JSON.stringify({ error }), { status: error.data.httpStatus, headers: error.data.refusal?.headers ?? {} });
  }
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await events.next();
      if (done === true || value.event === 'return') controller.close();
      else if (value.event === 'serialized-error') controller.error(new Error(value.data));
      else controller.enqueue(new TextEncoder().encode(JSON.parse(value.data) as string));
    },
    async start(controller) {
      const { value } = first;
      if (value === undefined || value.event === 'return') controller.close();
      else controller.enqueue(new TextEncoder().encode(JSON.parse(value.data) as string));
    },
  });
  return new Response(body, { status: response.status });
}

async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Event, undefined> {
  let text = '';
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += decoder.decode(part.value, { stream: true });
    const events = text.split('\n\n');
    text = events.pop() as string;
    for (const lines of events) {
      const event = /^event: (.*)$/m.exec(lines)?.[1] ?? 'message';
      const data = /^data: (.*)$/m.exec(lines)?.[1];
      if (data !== undefined && event !== 'connected' && event !== 'ping') yield { event, data };
    }
  }
  return undefined;
}
