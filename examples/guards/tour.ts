import { JitEngine, MemoryGrantStore, reviewers } from 'jit-access';
import { ManualClock } from 'jit-access/testing';

/** The clock is moved by hand, so that a window of a quarter of an hour takes no time. A service leaves it out. */
const clock = new ManualClock();
export const engine = new JitEngine({
  store: new MemoryGrantStore(),
  approver: reviewers({ members: ['user:sam'] }),
  clock,
});

/**
 * Who is calling. The engine trusts this id, so it must be one that you have proven: a verified session or
 * token, never a header that the client may set. This one looks up a session made by a login that isn't shown.
 */
const sessions = new Map([['Bearer s3cr3t', 'user:maya']]);
export const subjectOf = (
  authorization: string | null | undefined,
): string | undefined => sessions.get(authorization ?? '');

/** Calls the service as user:maya: refused, approved, allowed, ended. */
export async function tour(url: string): Promise<void> {
  const call = async (session: string) => {
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${session}` },
    });
    const text = await response.text();
    console.log(
      response.status,
      response.headers.get('www-authenticate') ?? text,
    );
  };
  await call('guessed');
  await call('s3cr3t');
  const asked = await engine.requestAccess({
    subject: 'user:maya',
    scope: 'db-prod:write',
    ttl: '15m',
  });
  await engine.approve(asked.request.id, { by: 'user:sam' });
  await call('s3cr3t');
  await clock.advance('15m');
  await call('s3cr3t');
}

/** What the handlers answer. */
export const until = (validUntil: number | undefined): string =>
  `written, access until ${new Date(validUntil ?? NaN).toISOString()}`;
