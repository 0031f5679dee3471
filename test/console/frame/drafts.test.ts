import { describe, expect, it } from 'vitest';
import { draftsOf, type DraftStorage } from '../../../src/console/app/frame/drafts.js';

/** As `sessionStorage`. */
function storage(): DraftStorage & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    get length() {
      return kept.size;
    },
    key: (index) => [...kept.keys()][index] ?? null,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

const HOUR = 3_600_000;

describe('drafts', () => {
  it('survive a sign-in of the same person', () => {
    const store = storage();
    draftsOf('user:ana', store, () => 0).write('comment:1', { text: 'Which invoices?' });
    expect(draftsOf('user:ana', store, () => HOUR - 1).read('comment:1')).toEqual({ text: 'Which invoices?' });
  });

  it('end after an hour, and if the clock went back', () => {
    const store = storage();
    const drafts = (now: number) => draftsOf('user:ana', store, () => now);
    drafts(10).write('a', 1);
    expect(drafts(10 + HOUR).read('a')).toBeUndefined();
    expect(store.kept.size).toBe(0);
    drafts(10).write('a', 1);
    expect(drafts(9).read('a')).toBeUndefined();
  });

  it('are deleted unread when another caller is found', () => {
    const store = storage();
    store.setItem('other', 'stays');
    draftsOf('user:ana', store, () => 0).write('a', 'secret');
    const second = draftsOf('user:ana:2', store, () => 0);
    expect([...store.kept.keys()]).toEqual(['other']);
    expect(second.read('a')).toBeUndefined();
  });

  it('of a person whose id begins like another one belong to one of them', () => {
    const store = storage();
    draftsOf('user:ana:comment', store, () => 0).write('a', 1);
    expect(draftsOf('user:ana', store, () => 0).read('comment:a')).toBeUndefined();
    expect(store.kept.size).toBe(0);
  });

  it('are all deleted at once', () => {
    const store = storage();
    const drafts = draftsOf('user:ana', store, () => 0);
    drafts.write('a', 1);
    drafts.write('b', 2);
    drafts.write('b', undefined);
    expect(store.kept.size).toBe(1);
    drafts.clear();
    expect(store.kept.size).toBe(0);
  });

  it('are missing where a browser forbids storage', () => {
    const fail = (): never => {
      throw new Error('SecurityError');
    };
    const store = { length: 1, key: fail, getItem: fail, setItem: fail, removeItem: fail };
    const drafts = draftsOf('user:ana', store, () => 0);
    drafts.write('a', 1);
    drafts.clear();
    expect(drafts.read('a')).toBeUndefined();
  });

  it('that another version wrote badly are none', () => {
    const store = storage();
    const drafts = draftsOf('user:ana', store, () => 0);
    drafts.write('a', 1);
    for (const key of store.kept.keys()) store.kept.set(key, 'not JSON');
    expect(drafts.read('a')).toBeUndefined();
  });
});
