import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followed, pages, textOf } from '../docs/pages.js';
import { Postgres } from '../stores/sql/postgres.js';
import { follow, type Marks, type Place } from './follow.js';

const STACKS = 'docs/guides/stacks/';
/** The quickstart has a test of its own: quickstart.test.ts. */
const onlyFollowed = followed.filter((page) => page !== 'docs/start/quickstart.md');

describe('a page whose reader builds a service', () => {
  let postgres: Postgres;
  const schemas: Postgres[] = [];
  beforeAll(async () => {
    postgres = await Postgres.start();
  });
  afterAll(async () => {
    for (const schema of schemas) await schema.stop();
    await postgres.stop();
  });

  /** What the reader of a page has to have. */
  async function settingsFor(page: string): Promise<Readonly<Record<string, string>>> {
    if (!textOf(page).includes('DATABASE_URL')) return {};
    const schema = await postgres.empty();
    schemas.push(schema);
    return { DATABASE_URL: schema.url };
  }

  it.each(onlyFollowed)('[NC2] %s runs line by line from an empty folder, and prints what it says', async (page) => {
    const hasPeople = textOf(page).includes('<!-- maya releases -->');
    await follow(page, await settingsFor(page), hasPeople ? endsNoAccessOfOthers : undefined, actions);
    expect.hasAssertions();
  });

  it('is each guide by stack', () => {
    const stacks = pages.filter((page) => page.startsWith(STACKS));
    expect(stacks.length).toBeGreaterThan(3);
    expect(followed).toEqual(expect.arrayContaining(stacks));
  });
});

/** The button of the guide for Next, whose action checks for itself. */
const actions: Marks = {
  'the action sends maya to the form': async (place) => {
    const { status, headers } = await pressRefund(place);
    expect([status, headers.get('location')]).toEqual([303, '/console/ask?scope=orders:refund']);
  },
  'the action refunds': async (place) => {
    expect(place.printed()).not.toContain('refunded order');
    expect((await pressRefund(place)).status).toBe(200);
    // The answer may be here before what the server has printed.
    await expect.poll(() => place.printed()).toContain('user:maya refunded order 1138');
  },
};

/** Presses the button as a browser without scripts does: with the hidden fields of its form. */
async function pressRefund({ at, signIn }: Place): Promise<Response> {
  const [cookie, page] = [await signIn('maya'), `${at(3000)}/orders/1138`];
  const html = await (await fetch(page, { headers: { cookie } })).text();
  const body = new FormData();
  for (const [, name = '', value = ''] of html.matchAll(/<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?/g))
    body.set(name, value.replaceAll('&quot;', '"'));
  expect([...body.keys()]).not.toEqual([]);
  return fetch(page, { method: 'POST', headers: { cookie, origin: at(3000) }, body, redirect: 'manual' });
}

/** No signed-in person ends the access of another, and a call without a body is answered with no stack trace. */
async function endsNoAccessOfOthers({ at, signIn }: Place): Promise<void> {
  const cookie = await signIn('maya');
  const call = async (path: string, body?: string): Promise<readonly [number, string]> => {
    const headers = { cookie, ...(body !== undefined && { 'content-type': 'application/json' }) };
    const response = await fetch(at(3000) + path, { method: 'POST', headers, body: body ?? null });
    return [response.status, await response.text()];
  };
  const [status] = await call('/access/v1/revocations', JSON.stringify({ subject: 'user:sam', reason: 'mine' }));
  expect(status).toBe(403);
  for (const path of ['/requests', '/revocations', '/requests/x/approve']) {
    const [code, text] = await call(`/access/v1${path}`);
    expect([path, code < 500, /node_modules|at \S+ \(/.test(text)]).toEqual([path, true, false]);
  }
}
