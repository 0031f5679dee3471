import { describe, expect, it } from 'vitest';
import { readNewest } from '../../src/console/app/views/journal/use-journal.js';
import { aClient } from '../features/client/client-world.js';
import { aService, MAYA, SEC } from '../features/http/world.js';

describe('the newest entries of the Journal', () => {
  it('are whole where their page is short, because its entries are large', async () => {
    const service = aService();
    for (let i = 0; i < 5; i++) {
      await service.engine.requestAccess({ subject: MAYA, scope: 'logs:read', ttl: '1m' });
      await service.clock.advance('2m');
    }
    const { client } = aClient(service, SEC);
    const { head } = await client.journal({ limit: 1 });
    // Each page has two entries, as if the third one were too large.
    const short: Pick<typeof client, 'journal'> = { journal: (query, options) => client.journal({ ...query, limit: 2 }, options) };
    const { entries, oldest } = await readNewest(short, new AbortController().signal);
    expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: head.seq }, (_, i) => head.seq - i));
    expect([entries.length > 5, oldest]).toEqual([true, 1]);
  });
});
