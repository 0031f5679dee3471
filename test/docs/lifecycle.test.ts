import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fieldsByType } from './entries.js';
import { diagrams, ENDS, explainedEnds, explainedFields, lifecyclePage, PAGE } from './lifecycle.js';
import { root, textOf } from './pages.js';

describe('docs/reference/lifecycle.md', () => {
  it('L8 draws the states from the table in code: run `npx vitest run test/docs -u` after changing it', async () => {
    expect(textOf(PAGE).match(/^```mermaid$/gm)).toHaveLength(diagrams.length);
    await expect(await lifecyclePage()).toMatchFileSnapshot(join(root, PAGE));
  });

  it('L8 explains exactly the ends in the table in code', () => {
    expect(explainedEnds().sort()).toEqual([...ENDS].sort());
  });

  it('L27 lists for each type of entry exactly the fields that it carries', async () => {
    const played = await fieldsByType();
    const { unversioned, ...carried } = Object.fromEntries([...played].map(([type, fields]) => [type, [...fields].sort()]));
    expect(Object.fromEntries([...explainedFields()].map(([type, fields]) => [type, [...fields].sort()]))).toEqual(carried);
    expect(unversioned).toEqual([
      'attempt.refused',
      'clock.accepted',
      'grant.used',
      'journal.accepted',
      'journal.purged',
      'request.reused',
      'usage.closed',
    ]);
  });
});
