import { afterEach, expect, it } from 'vitest';
import { reviewsQuery } from '../../src/console/app/views/break-glass/read.js';
import { inboxQuery } from '../../src/console/app/views/inbox/read.js';
import { heldQuery } from '../../src/console/app/views/live/read.js';
import type { Query } from '../../src/console/app/frame/read-model.js';
import type { Approver } from '../../src/index.js';
import { definePolicy } from '../../src/policy.js';
import { aService, ANA, MAYA, SAM, SEC, settle, type Service } from './walk/world.js';

/** What a page shows, and what is in no entry of the journal: it is read again each minute, and on focus. */
const world = { leads: [SAM] as readonly string[], rule: true, names: 'Maya', rights: [SEC] as readonly string[], title: 'Orders' };
const begin = { ...world };
afterEach(() => void Object.assign(world, begin));

const policyNow = () =>
  definePolicy({
    groups: { leads: world.leads },
    rules: world.rule ? [{ id: 'db', scopes: ['db:*'], subjects: [MAYA], maxTtl: '2h', review: { groups: { leads: 1 } } }] : [],
    breakGlass: [{ id: 'out', scopes: ['db:*'], subjects: [MAYA], maxTtl: '15m', reviewers: ['leads'], reviewWithin: '1h' }],
    catalogue: [{ scope: 'db:a', title: world.title }],
  });

/** A policy whose file has changed answers by the new one. */
const approver = new Proxy({} as Approver, {
  get: (_, name) => {
    const policy = policyNow() as unknown as Record<string | symbol, unknown>;
    const member = policy[name];
    return typeof member === 'function' ? (member.bind(policy) as unknown) : member;
  },
});

const requestable: Query<unknown> = { key: 'requestable', read: (client) => client.requestable(), isOld: () => false };
const held = heldQuery({ person: undefined, scope: undefined, ticket: undefined }, 200, true);

const SOURCES: readonly (readonly [source: string, caller: string, query: Query<never>, change: () => void])[] = [
  ['the rights of `may`', SEC, held as never, () => (world.rights = [])],
  ['the members of a group', SAM, inboxQuery(50) as never, () => (world.leads = [ANA])],
  ['the reviewers of an emergency', SAM, reviewsQuery(false) as never, () => (world.leads = [ANA])],
  ['the rules', MAYA, requestable as never, () => (world.rule = false)],
  ['the catalogue', MAYA, requestable as never, () => (world.title = 'All orders')],
];

/** The tag of an answer does not cover names: they are read each minute alone. */
const NAMES = ['the names of `people`', SEC, held as never, () => (world.names = 'Maya Okafor')] as const;

async function aPage(service: Service, caller: string, query: Query<never>) {
  const model = service.modelOf(service.clientOf(caller));
  const { state } = model.watch(query);
  await service.pass(1_000);
  /** Its answer, without the instant at which it was made. After a failure, only that. */
  const shown = () => {
    const { value, error } = state.peek();
    return JSON.stringify(error === undefined ? { ...(value as unknown as object), at: undefined } : (error as Error).message);
  };
  return { model, shown };
}

it.each([...SOURCES, NAMES])('L48 reads again each minute, and on focus, what no event says: %s', async (_, caller, query, change) => {
  const { now } = Date;
  const service = aService({
    approver,
    may: ({ caller: { subject } }) => world.rights.includes(subject),
    people: { describe: (ids) => Object.fromEntries(ids.map((id) => [id, { name: world.names }])) },
  });
  Date.now = () => service.clock.now();
  try {
    await service.engine.requestAccess({ subject: MAYA, scope: 'db:a', ttl: '30m' });
    await service.engine.breakGlass({ subject: MAYA, scope: 'db:b', ttl: '10m', justification: 'down' });
    const [page, focused] = [await aPage(service, caller, query), await aPage(service, caller, query)];
    const before = page.shown();
    change();
    focused.model.refresh();
    await service.pass(2_000);
    const reload = await aPage(service, caller, query);
    expect(reload.shown()).not.toBe(before);
    if (query !== NAMES[2] || change !== NAMES[3]) expect(focused.shown()).toBe(reload.shown());
    expect(page.shown()).toBe(before);
    await service.pass(60_000);
    const later = await aPage(service, caller, query);
    expect(page.shown()).toBe(later.shown());
    expect(page.shown()).not.toBe(before);
    for (const { model } of [page, focused, reload, later]) model.end();
    await settle();
    await service.engine.close();
  } finally {
    Date.now = now;
  }
});
