import { afterEach, describe, expect, it, vi } from 'vitest';
import { createSession } from '../../../src/console/app/frame/session.js';
import type { Router } from '../../../src/console/app/frame/router.js';
import { ANA, aWindow, BEA, type FakeWindow } from './window.js';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const options = { api: '../access', title: 'Access', readOnly: false, languages: [] };

/** The session of a page over an API whose answers the test sends. */
function aSession(given: { readonly caller?: string } = {}) {
  vi.useFakeTimers();
  const window: FakeWindow = aWindow();
  const api = {
    caller: given.caller ?? ANA,
    calls: [] as string[],
    views: Promise.resolve(),
    streams: [] as ReadableStreamDefaultController<Uint8Array>[],
  };
  const answer = (value: object) =>
    Promise.resolve(new Response(JSON.stringify(value), { headers: { 'content-type': 'application/json' } }));
  vi.stubGlobal('fetch', (url: string) => {
    const { pathname } = new URL(url);
    const path = pathname.replace('/access/v1', '');
    api.calls.push(path);
    if (path === '/me') return answer({ subject: api.caller, at: 0, held: [], scheduled: [], locks: [] });
    if (path === '/me/views') return api.views.then(() => answer({ actions: [] }));
    const body = new ReadableStream<Uint8Array>({ start: (stream) => void api.streams.push(stream) });
    return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
  });
  const session = createSession(options, '/console/', {} as Router, window as unknown as Window);
  const send = async (...types: readonly string[]) => {
    const text = types.map((type) => `event: ${type}\ndata: {}\n\n`).join('');
    api.streams.at(-1)?.enqueue(new TextEncoder().encode(text));
    await vi.advanceTimersByTimeAsync(1_000);
  };
  const count = (path: string) => api.calls.filter((call) => call === path).length;
  return { session, window, api, send, count, settle: () => vi.advanceTimersByTimeAsync(100) };
}

describe('the session of a page', () => {
  it('begins once, however often the caller is read at the same time', async () => {
    const { session, window, count, settle } = aSession();
    const checks = [session.check(), session.check()];
    window.emit('focus');
    await settle();
    await Promise.all(checks);
    expect(session.state.value).toMatchObject({ name: 'ready', console: { caller: ANA } });
    expect(count('/events')).toBe(1);
  });

  it('[A7] shows the page where `may` fails about every view, and says that the menu may lack some', async () => {
    for (const isDown of [false, true]) {
      const { session, api } = aSession();
      if (isDown) api.views = Promise.reject(new Error('503'));
      const checked = session.check();
      // The client repeats the call.
      await vi.advanceTimersByTimeAsync(10_000);
      await checked;
      expect([session.state.value.name, session.isMenuShort.value]).toEqual(['ready', isDown]);
    }
  });

  it('starts again if another person signs in while it begins', async () => {
    const { session, window, api, settle } = aSession();
    let go: () => void = () => undefined;
    api.views = new Promise((resolve) => (go = resolve));
    const first = session.check();
    await settle();
    api.caller = BEA;
    api.views = Promise.resolve();
    window.emit('focus');
    await settle();
    go();
    await first;
    expect(window.replaced).toEqual(['/console/inbox?x=1']);
    expect(session.state.value.name).toBe('starting');
  });

  it('reads the caller after `ready` and `reset`, and not once for each record that changes', async () => {
    const { session, send, count } = aSession();
    await session.check();
    await send('ready');
    const before = count('/me');
    const changes: string[] = [];
    if (session.state.value.name === 'ready') session.state.value.console.onChange(({ type }) => changes.push(type));
    await send(...Array.from({ length: 500 }, () => 'grant.revoked'));
    expect(changes).toHaveLength(500);
    expect(count('/me')).toBe(before);
    await send('reset');
    expect(count('/me')).toBe(before + 1);
  });

  it('starts again at a `ready` for another person, and notifies no view', async () => {
    const { session, window, api, send } = aSession();
    await session.check();
    const changes: string[] = [];
    if (session.state.value.name === 'ready') session.state.value.console.onChange(({ type }) => changes.push(type));
    api.caller = BEA;
    await send('ready');
    expect(window.replaced).toHaveLength(1);
    expect(changes).toEqual([]);
  });

  it('shows no part of a restored page until the API has named its caller', async () => {
    const { session, window, api, settle } = aSession();
    await session.check();
    window.emit('pageshow', { persisted: true });
    expect(session.state.value.name).toBe('checking');
    api.caller = BEA;
    await settle();
    expect(session.state.value.name).toBe('starting');
    expect(window.replaced).toHaveLength(1);
  });
});
