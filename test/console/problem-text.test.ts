import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { language, type Messages } from '../../src/console/app/frame/messages.js';
import { endReason, lastingProblem, problemText } from '../../src/console/app/parts/problem-text.js';
import { HookError, LimitError, type JitError } from '../../src/index.js';
import { engineErrorOf, HttpClientError } from '../../src/features/client/errors.js';
import { toProblem, type HttpProblem } from '../../src/http.js';

const german = JSON.parse(readFileSync(new URL('../../src/console/languages/de.json', import.meta.url), 'utf8')) as Messages;

const english = language.value;
afterEach(() => {
  language.value = english;
});

/** What the client of the page rejects with. */
const answered = (error: JitError): unknown => {
  const { status, body } = toProblem(error);
  return engineErrorOf(new HttpClientError(body.detail, undefined, status, body));
};

const LIMIT = answered(new LimitError('maxPending', 12_345, 12_346));
const HOOK = answered(new HookError('c1', new Error('no')));

describe('an answer of the API', () => {
  it('is in its own words in English', () => {
    expect([problemText(LIMIT), lastingProblem(LIMIT)]).toEqual([undefined, undefined]);
    expect(lastingProblem(HOOK)).toMatch(/^A hook of the service refuses this change/);
    expect(endReason({ cause: 'abstained', reason: 'no approver decided' })).toBe('no approver decided');
  });

  describe('in German', () => {
    beforeEach(() => {
      language.value = { lang: 'de', dir: 'ltr', table: {}, answers: german };
    });

    it('is in the words of its code, with its values', () => {
      expect(problemText(LIMIT)).toBe('Eine Grenze des Dienstes verhindert das: maxPending, höchstens 12.345.');
      expect(lastingProblem(HOOK)).toMatch(/^Ein Hook des Dienstes verhindert diese Änderung/);
      expect(endReason({ cause: 'abstained', reason: 'no approver decided' })).toBe('Keine Regel hat entschieden.');
    });

    it('is in its own words if the page does not know its code, or a person wrote them', () => {
      const unknown = new HttpClientError('x', undefined, 409, { type: 'urn:jit-access:problem:constructor' } as HttpProblem);
      expect([problemText(unknown), problemText(new Error('x'))]).toEqual([undefined, undefined]);
      expect(endReason({ cause: 'revoked', reason: 'no approver decided' })).toBe('no approver decided');
    });
  });
});
