import { describe, expect, it } from 'vitest';
import type * as z from 'zod/mini';
import type * as client from '../../../src/client.js';
import type { AccessClient } from '../../../src/client.js';
import { ROUTES } from '../../../src/features/client/routes.js';
import { operations } from '../../../src/features/http/operations/index.js';
import type * as bodies from '../../../src/features/http/schemas/bodies.js';
import type * as engine from '../../../src/index.js';
import { aService } from '../http/world.js';
import { aClient } from './client-world.js';

/** The operations whose query is one text, which the method takes by itself. */
const ONE_TEXT: Readonly<Record<string, string>> = { canAsk: '?scope={}', searchPeople: '?search={}' };

/** The operations that are no method of their own name. */
type Elsewhere = 'events' | 'people';

describe('the routes of the client', () => {
  it('are those of the handler, each with its key, its query and its list', () => {
    const served = operations
      .filter(({ id }) => id !== 'events')
      .map(({ id, method, path, keyed, query, answer }) => {
        const names = Object.keys(answer.fields ?? {});
        const isPage = names.includes('items') && names.includes('next');
        const kinds = [
          keyed && 'key',
          query !== undefined && !(id in ONE_TEXT) && 'query',
          isPage && 'pages',
          names.join() === 'items' && 'items',
        ].filter((kind) => kind !== false);
        const route = `${method} ${path.replace(/\{\w+\}/, '{}')}${ONE_TEXT[id] ?? ''}`;
        return [id, [route, ...kinds].join(' ')] as const;
      });
    expect(ROUTES).toEqual(Object.fromEntries(served));
  });

  it('are the methods of the client, and events', () => {
    const { client: made } = aClient(aService());
    expect(Object.keys(made).sort()).toEqual(operations.map(({ id }) => (id === 'searchPeople' ? 'people' : id)).sort());
    expect(made satisfies Record<Exclude<keyof typeof ROUTES, 'searchPeople'> | Elsewhere, unknown>).toBeDefined();
    expect(Object.keys(made.people)).toEqual(['search']);
    // And the type has no other one.
    expect([] satisfies Exclude<keyof AccessClient, keyof typeof ROUTES | Elsewhere>[]).toEqual([]);
  });
});

type Keys<T> = T extends unknown ? keyof T : never;
/** `true`, or the fields that only one of the two has. */
type Same<A, B> = [Exclude<A, B>, Exclude<B, A>] extends [never, never] ? true : { readonly only: Exclude<A, B> | Exclude<B, A> };
/** The type of a value in a sent body. The client sends a `Date` as epoch milliseconds, so no `Date` is left. A list becomes mutable. */
type Plain<T> = T extends Date ? never : T extends readonly (infer Item)[] ? Item[] : T;
type Sent<T> = T extends unknown ? { [K in keyof T as Exclude<K, 'metadata'>]: Plain<T[K]> } : never;
/** Each field of the one is a field of the other, and each value is one that the schema takes. */
type Takes<Body extends () => z.ZodMiniType, Input, Taken = z.input<ReturnType<Body>>> =
  Same<Keys<Input>, Keys<Taken>> extends true
    ? Sent<Input> extends Taken
      ? true
      : { readonly value: Sent<Input> }
    : Same<Keys<Input>, Keys<Taken>>;
describe('the types of the client', () => {
  it('take what the bodies of the handler take', () => {
    const taken: [
      Takes<typeof bodies.ask, client.AskInput & { readonly dryRun?: boolean }>,
      Takes<typeof bodies.breakGlassAsk, client.BreakGlassInput>,
      Takes<typeof bodies.amendment, client.AmendInput>,
      Takes<typeof bodies.extension, client.ExtendInput>,
      Takes<typeof bodies.withReason, client.ReasonInput>,
      Takes<typeof bodies.cancellation, client.CancelInput>,
      Takes<typeof bodies.commentText, client.CommentInput>,
      Takes<typeof bodies.approval, client.ApproveInput>,
      Takes<typeof bodies.denial, client.DenyInput>,
      Takes<typeof bodies.breakGlassVerdict, client.BreakGlassReviewInput>,
      Takes<typeof bodies.link, client.LinkInput>,
      Takes<typeof bodies.redemption, client.RedeemInput>,
      Takes<typeof bodies.revocation, client.RevokeAllInput & { readonly dryRun?: boolean }>,
      Takes<typeof bodies.locking, client.LockInput & { readonly dryRun?: boolean }>,
    ] = [true, true, true, true, true, true, true, true, true, true, true, true, true, true];
    expect(taken).toHaveLength(14);
  });

  it('take what the queries of the handler take', () => {
    type Fields<T> = Readonly<Record<keyof T, true>>;
    const paging = { after: true, limit: true } satisfies Fields<engine.Paging>;
    const taken: Readonly<Record<string, object>> = {
      canAsk: { scope: true },
      searchPeople: { search: true },
      listRequests: {
        ...{ subject: true, requestedBy: true, scope: true, ticket: true, status: true, from: true, to: true, order: true },
        ...{ ...paging, all: true },
      } satisfies Fields<client.RequestListInput>,
      inbox: { ...paging, holdings: true } satisfies Fields<client.InboxInput>,
      listGrants: {
        ...paging,
        subject: true,
        all: true,
        scope: true,
        pattern: true,
        status: true,
        at: true,
        during: true,
        ticket: true,
        order: true,
      } satisfies Fields<client.GrantListInput>,
      listBreakGlassReviews: { ...paging, all: true } satisfies Fields<client.BreakGlassListInput>,
      whoHadAccess: { ...paging, scope: true, pattern: true, at: true } satisfies Fields<engine.HolderQuery & engine.PatternQuery>,
      history: { ...paging, from: true, to: true, subject: true, scope: true, pattern: true } satisfies Fields<client.HistoryInput>,
      accessReport: { from: true, to: true, recordsUse: true } satisfies Fields<client.ReportInput>,
      journal: paging satisfies Fields<client.JournalInput>,
      verifyJournal: { after: true } satisfies Fields<client.VerifyInput>,
    };
    const names = (fields: object) => Object.keys(fields).sort();
    const served = operations.flatMap(({ id, query }) => (query === undefined ? [] : [[id, names(query().shape)] as const]));
    expect(Object.fromEntries(Object.entries(taken).map(([id, fields]) => [id, names(fields)]))).toEqual(Object.fromEntries(served));
  });
});
