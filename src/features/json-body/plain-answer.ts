import { assertRequest, WRAP } from '../../core/web-request.js';

/** An answer before it is a `Response`: `toNodeHandler` writes it to a socket without making one. */
export interface PlainAnswer {
  readonly status: number;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** `null`: none. */
  readonly body: string | ReadableStream<Uint8Array> | null;
}

/** Answers a request. It never rejects. */
export type PlainHandler = (request: Request) => Promise<PlainAnswer>;

const plainHandlers = /* @__PURE__ */ new WeakMap<object, PlainHandler>();

/** The handler of `Request` and `Response` that the callers of this package get. It throws at once for any other argument. */
export function toFetchHandler(answer: PlainHandler): (request: Request) => Promise<Response> {
  const handle = (request: Request): Promise<Response> => {
    assertRequest(request, WRAP);
    return answer(request).then(({ status, headers, body }) => new Response(body, { status, headers }));
  };
  plainHandlers.set(handle, answer);
  return handle;
}

/** What {@link toFetchHandler} of this copy of the package was given. `undefined`: the handler is another function. */
export const plainHandlerOf = (handler: object): PlainHandler | undefined => plainHandlers.get(handler);

/** The answer to HEAD is that of GET without its body. */
export const withoutBody = ({ method }: Request, answer: PlainAnswer): PlainAnswer =>
  method === 'HEAD' ? { ...answer, body: null } : answer;
