import { describe, expect, it } from 'vitest';
import type { InboxItem } from '../../../src/index.js';
import { aloneBy, sorted } from '../../../src/console/app/views/inbox/together.js';

const item = (id: string, more: object = {}, request: object = {}): InboxItem =>
  ({
    request: { id, version: 1, quorum: undefined, ...request },
    locked: false,
    denials: [],
    comments: [],
    ...more,
  }) as unknown as InboxItem;
const map = (...items: readonly InboxItem[]) => new Map(items.map((one) => [one.request.id, one]));

describe('a request that is decided by itself', () => {
  it.each([
    ['unknown', item('a'), []],
    ['unknown', item('a'), undefined],
    ['risk', item('a'), [{ requestId: 'a', risk: 'high' }]],
    ['risk', item('a'), [{ requestId: 'a', risk: 'critical' }]],
    ['locked', item('a', { locked: true }), [{ requestId: 'a' }]],
    ['denied', item('a', { denials: [{}] }), [{ requestId: 'a' }]],
    ['signIn', item('a', {}, { quorum: { assurance: { maxAgeMs: 1 } } }), [{ requestId: 'a' }]],
    [undefined, item('a'), [{ requestId: 'a', risk: 'medium' }]],
    [undefined, item('a'), [{ requestId: 'a' }]],
  ] as const)('says why: %s', (why, one, risks) => {
    expect(aloneBy(one, risks as never)).toBe(why);
  });
});

describe('what was chosen', () => {
  const ids = (items: readonly InboxItem[]) => items.map(({ request }) => request.id);

  it('is decided as it is shown now, unless it has ended, has changed, or may no longer be decided', () => {
    const chosen = map(item('same'), item('gone'), item('newer'), item('commented'), item('refused'));
    const shown = map(
      item('same'),
      item('newer', {}, { version: 2 }),
      item('commented', { comments: [{}] }),
      item('refused'),
      item('other'),
    );
    const { same, changed } = sorted(chosen, shown, ({ request }) => request.id !== 'refused');
    expect(ids(same)).toEqual(['same']);
    expect(same[0]).toBe(shown.get('same'));
    expect(ids(changed)).toEqual(['gone', 'newer', 'commented', 'refused']);
  });
});
