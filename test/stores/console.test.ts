import { randomUUID } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { describeChromium } from '../browser/chromium.js';
import { playOnCall } from '../browser/console-on-call.js';
import { aWorld } from '../browser/console-world.js';
import { openStore } from './durable/place.js';
import { startDurable } from './durable/servers.js';

describeChromium('the console over PostgreSQL', (browser) => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  it('serves an on-call incident from the ask to the history', async () => {
    const durable = await startDurable('postgres');
    ends.push(durable.stop);
    const opened = await openStore(durable.place, { namespace: randomUUID() });
    ends.push(opened.close);
    const world = await aWorld(browser, { store: opened.store, isEmpty: true });
    ends.push(world.close);
    await playOnCall(world);
    expect(world.errors).toEqual([]);
  });
});
