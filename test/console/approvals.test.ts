import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { QuorumInput } from '../../src/core/approver-port.js';
import { language, type Messages } from '../../src/console/app/frame/messages.js';
import { approvalsText, quorumText } from '../../src/console/app/parts/approvals.js';
import { missingOf } from '../../src/records/index.js';
import { aQuorum } from '../lifecycle/a-quorum.js';

const german = JSON.parse(readFileSync(new URL('../../src/console/languages/de.json', import.meta.url), 'utf8')) as Messages;
const group = (name: string, approvals = 1) => ({ name, approvals });

const english = language.value;
afterEach(() => {
  language.value = english;
});

describe('approvals in the language of the page', () => {
  it.each<readonly [QuorumInput, string, string]>([
    [{ groups: [group('a', 2)] }, '2 of a', '2 aus a'],
    [{ groups: [group('a', 2), group('b')] }, '2 of a and 1 of b', '2 aus a und 1 aus b'],
    [{ anyOf: [{ groups: [group('a', 2)] }, { groups: [group('b')] }] }, '2 of a or 1 of b', '2 aus a oder 1 aus b'],
    [
      { steps: [{ groups: [group('a'), group('b')] }, { groups: [group('c')] }] },
      '1 of a and 1 of b, then 1 of c',
      '1 aus a und 1 aus b, danach 1 aus c',
    ],
    [
      { groups: [group('a')], assurance: { maxAgeMs: 60_000 } },
      '1 of a, after a sign-in that the rule requires',
      '1 aus a, nach einer Anmeldung, die die Regel verlangt',
    ],
  ])('of %j: %s, %s', (input, inEnglish, inGerman) => {
    const quorum = aQuorum(input);
    expect(quorumText(quorum)).toBe(inEnglish);
    language.value = { lang: 'de', dir: 'ltr', table: german };
    expect(quorumText(quorum)).toBe(inGerman);
  });

  it('are those that are still missing', () => {
    const missing = missingOf(aQuorum({ groups: [group('a', 2), group('b')] }), [[[['a']]]]);
    expect(approvalsText(missing, 'part.approvals.more')).toBe('1 more of a and 1 more of b');
  });
});
