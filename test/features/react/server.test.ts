import { createElement, StrictMode } from 'react';
import { renderToString } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../../src/client.js';
import { defineJitBadge } from '../../../src/elements.js';
import { useAccess, useInbox } from '../../../src/react.js';

describe('the hooks on a server', () => {
  it('are loading, send nothing, and render the badge', () => {
    defineJitBadge();
    const calls: string[] = [];
    const client = createClient({ baseUrl: '/access', fetch: (url) => Promise.reject(new Error(String(calls.push(url)))) });
    function Page() {
      const { data, isLoading, error } = useAccess(client);
      const inbox = useInbox(client);
      const shown = [isLoading, error, inbox.isLoading, inbox.data].map(String).join();
      return createElement('p', null, shown, createElement('jit-badge', { status: JSON.stringify(data ?? null), label: 'admin' }));
    }
    const html = renderToString(createElement(StrictMode, null, createElement(Page)));
    expect(html).toBe('<p>true,undefined,true,undefined<jit-badge status="null" label="admin"></jit-badge></p>');
    expect(calls).toEqual([]);
  });
});
