import { messageOf } from '../../errors.js';
import { AskError } from './ask-error.js';
import type { RedisReply } from './client.js';

const ADVICE = "set maxmemory-policy to noeviction, or pass assumeNoEviction: true where it is but can't be read";

/**
 * Under any other policy Redis throws keys away when its memory is full: a revoke, a journal, a whole namespace.
 *
 * Asked by INFO: hosted servers have no CONFIG.
 *
 * @throws AskError where the policy is another one, or can't be read; nothing else has been sent
 */
export async function checkEviction(send: (command: readonly string[]) => Promise<RedisReply>): Promise<void> {
  let info: RedisReply;
  try {
    info = await send(['INFO', 'memory']);
  } catch (error) {
    const said = messageOf(error);
    // This user may not ask, or the server doesn't know the question; anything else is an outage like any other.
    const isForbidden = /^(?:NOPERM|ERR) /.test(said);
    throw new AskError('no', isForbidden ? `the eviction policy could not be read: ${said}; ${ADVICE}` : said);
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(typeof info === 'string' ? info : '')?.[1];
  if (policy === 'noeviction') return;
  throw new AskError(
    'no',
    `${policy === undefined ? "this server doesn't tell its eviction policy" : `this server evicts by ${policy}`}; ${ADVICE}`,
  );
}
