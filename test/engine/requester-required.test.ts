import { describe, expect, it } from 'vitest';
import type { ExtensionAsk } from '../../src/index.js';
import { aGranted, anEngine, entriesOf, MAYA, MINUTE, refusal, SAM } from './an-engine.js';

/** The options of a route that does not pass on its caller. */
const nameless = (ask: Partial<ExtensionAsk> = {}) => ({ ttl: MINUTE, ...ask }) as ExtensionAsk;

describe('extend() without requestedBy', () => {
  it('is refused and records nothing: the engine fills in no requester, not even the subject (L15) [M7]', async () => {
    const { engine, store } = anEngine();
    const grant = await aGranted(engine);
    const before = (await entriesOf(store)).length;
    for (const requestedBy of [undefined, null, '', ' ']) {
      const answer = await engine.extend(grant.id, nameless({ requestedBy } as never)).then(
        ({ request }) => ({ requestedBy: request.requestedBy }),
        ({ code, argument }: { code: unknown; argument: unknown }) => ({ code, argument }),
      );
      expect(answer).toEqual({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'requestedBy' });
    }
    await engine.flushAudit();
    expect(await entriesOf(store)).toHaveLength(before);
  });

  it('is refused before the grant is read, and names the missing option [M7]', async () => {
    const { engine, store } = anEngine();
    const calls = store.calls.length;
    const said = await engine.extend('no such grant', nameless()).catch((error: Error) => error.message);
    expect(said).toBe('requestedBy must be the id of the caller that asks; got undefined');
    expect(store.calls).toHaveLength(calls);
  });

  it('lets no reviewer approve what that reviewer asked for (L15) [M7]', async () => {
    const { engine } = anEngine();
    const grant = await aGranted(engine);
    // The route of the finding: Sam calls it for Maya's grant, and it passes no requester.
    const asked = await engine.extend(grant.id, nameless()).catch(() => undefined);
    const approved = asked && (await engine.approve(asked.request.id, { by: SAM }));
    expect(approved?.outcome).toBeUndefined();
    const named = await engine.extend(grant.id, nameless({ requestedBy: SAM }));
    expect(named.request).toMatchObject({ subject: MAYA, requestedBy: SAM });
    await refusal(engine.approve(named.request.id, { by: SAM }), 'ERR_JIT_SELF_REVIEW');
  });
});
