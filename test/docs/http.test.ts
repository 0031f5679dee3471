import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { routeTable } from '../features/http/route-table.js';
import { root } from './pages.js';
import { httpPage } from './reference/http.js';

describe('docs/reference/http.md', () => {
  it('is what the operations say: run `npx vitest run test/docs/http.test.ts -u`', async () => {
    const { path, text } = await httpPage(await routeTable());
    await expect(text).toMatchFileSnapshot(join(root, path));
  });
});
