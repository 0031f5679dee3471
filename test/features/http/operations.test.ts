import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/index.js';
import { operations } from '../../../src/features/http/operations/index.js';
import { aService, MAYA, SAM, SEC, withExamples } from './world.js';

/** Who makes the call of each example, where it is not maya. */
const CALLERS: Readonly<Record<string, string>> = {
  inbox: SAM,
  approve: SAM,
  deny: SAM,
  listBreakGlassReviews: SAM,
  reviewBreakGlass: SAM,
  openLink: SAM,
  redeemLink: SAM,
};

/** Which request an example means, where it is the approved one. */
const APPROVED = ['extendRequest', 'releaseRequest'];

describe('the operations', () => {
  it.each(operations.map((operation) => [operation.id, operation] as const))(
    'answers the example of %s with its status and its schema',
    async (id, { method, path, access, example, status, answer }) => {
      const service = aService();
      const ids = await withExamples(service);
      if (id === 'breakGlass') await service.engine.reviewBreakGlass(ids.breakGlassId, { by: SAM, verdict: 'justified' });
      const names: Record<string, string> = APPROVED.includes(id) ? { ...ids, requestId: ids.approvedId } : ids;
      const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_, name: string) => names[name] ?? '');
      const filled = (given: JsonObject) => JSON.parse(fill(JSON.stringify(given))) as Record<string, string>;
      const to = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(fill(example.path?.[name] ?? '')));
      const query = new URLSearchParams(filled(example.query ?? {})).toString();
      const as = CALLERS[id] ?? (access === 'may' ? SEC : MAYA);
      if (id === 'events') return;
      const sent = await service.send(method, query === '' ? to : `${to}?${query}`, {
        as,
        ...(example.body === undefined ? {} : { body: filled(example.body) }),
      });
      expect(sent.text).toBeTypeOf('string');
      expect([sent.status, sent.status === status ? undefined : sent.body]).toEqual([status, undefined]);
      const read = answer.safeParse(sent.body);
      expect(read.error?.issues).toBeUndefined();
      expect(service.errors).toEqual([]);
    },
  );
});
