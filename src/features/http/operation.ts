import type * as z from 'zod/mini';
import type { JsonObject } from '../../model/json.js';
import type { JitEngine } from '../../engine/engine.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { HttpAction } from './actions.js';
import type { HttpCaller, HttpTarget, ParsedHttpOptions } from './options.js';
import type { AnyAnswer } from './schemas/json-schema.js';

/** The engine that serves a call, and its parts. */
export interface Served {
  readonly engine: JitEngine;
  readonly kernel: Kernel;
  readonly options: ParsedHttpOptions;
}

/** One call of an authenticated caller, after validation. */
export interface Call<Query = unknown, Body = unknown> extends Served {
  readonly caller: HttpCaller;
  /** The caller's id as the engine reads it: after `canonicalId`. */
  readonly self: string;
  readonly request: Request;
  /** Each write of the call takes it, by `limitedBy`. */
  readonly limit: CallLimit;
  /** The value of each `{name}` in the path. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  /** The header `Idempotency-Key`. */
  readonly key: string | undefined;
  /** Asks `identify` again, for a call that stays open. `undefined`: it returns no caller any more. */
  readonly again: () => Promise<Pick<Call, 'self' | 'may'> | undefined>;
  /** Whether the option `may` permits this. */
  readonly may: (action: HttpAction, target: HttpTarget) => Promise<boolean>;
}

/** A body as it is sent. */
export interface WrittenBody {
  readonly text: string;
  readonly etag: string;
}

/** The answer of an operation: a value of its schema, which becomes the JSON body. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** A stream of server-sent events, in place of the body. */
  readonly stream?: ReadableStream<Uint8Array>;
  /** The text and the tag of the body, in place of the body. */
  readonly written?: WrittenBody;
  /** The part of the body that decides whether a client has the present version. Default: the body. */
  readonly tagged?: unknown;
}

type Shape = (() => z.ZodMiniObject) | undefined;
/** What a call has of a shape after validation. */
export type Parsed<S extends Shape> = S extends () => z.ZodMiniObject ? z.output<ReturnType<S>> : undefined;

/** An operation: the one place from which its route, its validation and its documentation are made. */
export interface Operation {
  /** Its name in the documents, in the client and in the option `limit`. */
  readonly id: string;
  readonly method: 'GET' | 'POST';
  /** Below `<basePath>/v1`. */
  readonly path: string;
  readonly area: string;
  readonly summary: string;
  /** `open`: no caller is needed. `caller`: an authenticated one. `may`: the option `may` decides. */
  readonly access: 'open' | 'caller' | 'may';
  /** The schema of the query. Made at the first call, as that of the body. */
  readonly query: Shape;
  readonly body: Shape;
  /** Whether it takes `Idempotency-Key`. */
  readonly keyed: boolean;
  /** Whether it takes `people=true`: every read of a caller does, except the stream of events. */
  readonly namesPeople: boolean;
  /** The status of success. */
  readonly status: number;
  readonly answer: AnyAnswer;
  /** A call that succeeds after the world of the examples was made. A test sends it. */
  readonly example: { readonly path?: Readonly<Record<string, string>>; readonly query?: JsonObject; readonly body?: JsonObject };
  readonly run: (call: Call<never, never>) => Promise<Answer>;
}

/** Declares an operation with the types of its query and its body. */
export function operation<Q extends Shape = undefined, B extends Shape = undefined>(
  declared: Pick<Operation, 'id' | 'method' | 'path' | 'area' | 'summary' | 'access' | 'answer'> &
    Partial<Pick<Operation, 'keyed' | 'status' | 'example' | 'namesPeople'>> & {
      readonly query?: Q;
      readonly body?: B;
      readonly run: (call: Call<Parsed<Q>, Parsed<B>>) => Promise<Answer>;
    },
): Operation {
  return {
    keyed: false,
    namesPeople: declared.method === 'GET' && declared.access !== 'open',
    status: 200,
    example: {},
    ...declared,
    query: once(declared.query),
    body: once(declared.body),
    run: declared.run,
  };
}

function once(make: Shape): Shape {
  let made: z.ZodMiniObject | undefined;
  return make && (() => (made ??= make()));
}
