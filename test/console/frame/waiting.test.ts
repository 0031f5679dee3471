import { expect, it } from 'vitest';
import { waitingIn, waitingQuery } from '../../../src/console/app/frame/waiting.js';
import { heldQuery } from '../../../src/console/app/views/live/read.js';
import { HttpClientError } from '../../../src/features/client/errors.js';
import { aService, MAYA, RAJ, SAM, SEC } from '../walk/world.js';

const MINUTE = 60_000;
const NO_FILTER = { person: undefined, scope: undefined, ticket: undefined };

/** A page of a reviewer, and the paths that it has asked. */
function aPage(person: string = SAM) {
  const service = aService();
  const asked: number[] = [];
  const model = service.modelOf(service.clientOf(person, () => asked.push(service.clock.now())));
  const ask = async (subject: string, scope = 'db:a') =>
    (await service.engine.requestAccess({ subject, scope, ttl: '1h', justification: 'A look' })).request.id;
  return { ...service, asked, model, ask };
}

it('counts what waits, less after an event that names it, and more within a minute', async () => {
  const page = aPage();
  const first = await page.ask(MAYA);
  await page.ask(RAJ);
  const { state } = page.model.watch(waitingQuery);
  await page.pass(1_000);
  expect(waitingIn(state.value)).toEqual({ count: 2, isMore: false });
  await page.engine.deny(first, { by: SAM });
  page.model.take({ type: 'request.denied', requestId: first, grantId: undefined });
  await page.pass(1_000);
  expect(waitingIn(state.value)).toEqual({ count: 1, isMore: false });
  const before = page.asked.length;
  const next = await page.ask(MAYA, 'db:b');
  page.model.take({ type: 'request.created', requestId: next, grantId: undefined });
  await page.pass(10_000);
  expect(page.asked.length).toBe(before);
  await page.pass(MINUTE);
  expect(waitingIn(state.value)).toEqual({ count: 2, isMore: false });
  // Time passes over both deadlines, and no event says so.
  await page.clock.step(59 * MINUTE);
  await page.pass(MINUTE);
  expect(waitingIn(state.value)).toEqual({ count: 0, isMore: false });
  page.model.end();
});

it('is read by a hidden page once a minute, and nothing else is', async () => {
  const page = aPage(SEC);
  page.model.watch(heldQuery(NO_FILTER, 200, true));
  page.model.pause();
  page.model.watch(waitingQuery);
  const begin = page.clock.now();
  await page.pass(5 * MINUTE + 1_000);
  expect(page.asked.slice(1).map((at) => Math.round((at - begin) / MINUTE))).toEqual([0, 1, 2, 3, 4, 5]);
  page.model.end();
  await page.pass(2 * MINUTE);
  expect(page.asked).toHaveLength(7);
});

it('says that there are more, and keeps the number unless the API refuses it', () => {
  const items = Array.from({ length: 50 }, () => ({ request: { id: 'r' } })) as never;
  expect(waitingIn({ value: { items, next: 'c' }, error: undefined })).toEqual({ count: 50, isMore: true });
  for (const status of [403, 404]) expect(waitingIn({ value: { items }, error: new HttpClientError('', undefined, status) })).toBeNull();
  for (const status of [undefined, 401, 429, 500, 503])
    expect(waitingIn({ value: undefined, error: new HttpClientError('', undefined, status) })).toBeUndefined();
});
