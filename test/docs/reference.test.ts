import { describe, expect, it } from 'vitest';
import { ENTRY_TYPES } from '../../src/records/index.js';
import { fieldsByType } from './entries.js';
import { declaredFields } from './reference/entry-types.js';
import { readSources } from './reference/sources.js';

const sources = readSources();

describe('the declared entries', () => {
  it('L27 list for each type of entry exactly the fields that it carries', async () => {
    const sorted = (fields: ReadonlyMap<string, Iterable<string>>) =>
      Object.fromEntries([...fields].map(([type, names]) => [type, [...names].sort()]));
    const declared = new Map([...declaredFields(sources)].map(([type, fields]) => [type, fields.map(({ name }) => name)]));
    expect([...declared.keys()]).toEqual(Object.keys(ENTRY_TYPES));
    expect(sorted(declared)).toEqual(sorted(await fieldsByType()));
  });
});
