import { randomUUID } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { startDurable } from '../stores/durable/servers.js';
import { openStore } from '../stores/durable/place.js';
import { describeChromium } from './chromium.js';
import { playOnCall } from './console-on-call.js';
import { aWorld } from './console-world.js';

describeChromium('the console', (browser) => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  const world = async (given: Parameters<typeof aWorld>[1] = {}) => {
    const made = await aWorld(browser, given);
    ends.push(made.close);
    return made;
  };

  it('serves an on-call incident from the ask to the history, on SQLite', async () => {
    const durable = await startDurable('sqlite');
    ends.push(durable.stop);
    const opened = await openStore(durable.place, { namespace: randomUUID() });
    ends.push(opened.close);
    await playOnCall(await world({ store: opened.store, isEmpty: true }));
    expect.assertions(6);
  });
});
