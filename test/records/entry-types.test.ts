import { describe, expect, it } from 'vitest';
import { changesAccess, ENTRY_TYPES, isEntryType } from '../../src/records/index.js';

describe('ENTRY_TYPES', () => {
  it('says of each type whether it may give or end access', () => {
    expect(Object.keys(ENTRY_TYPES).filter(changesAccess)).toEqual(['grant.issued', 'grant.activated', 'grant.expired', 'grant.revoked']);
  });

  it('recognises its own types, and no other text', () => {
    expect(Object.keys(ENTRY_TYPES).every(isEntryType)).toBe(true);
    for (const other of ['grant.lent', 'constructor', 'toString', '__proto__', '', undefined, null, 7, ['grant.issued']]) {
      expect(isEntryType(other)).toBe(false);
    }
    expect(['grant.lent', 'constructor'].some(changesAccess)).toBe(false);
  });

  it('has only names of the form noun.pastTense', () => {
    for (const type of Object.keys(ENTRY_TYPES)) expect(type).toMatch(/^[a-z]+[a-zA-Z]*\.[a-z]+$/);
  });
});
