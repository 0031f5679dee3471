import { SingleFlight } from '../../core/single-flight.js';
import { Stopwatch } from '../../core/stopwatch.js';
import { systemClock } from '../../core/clock.js';
import { AskError } from './ask-error.js';
import type { RedisReply } from './client.js';

const ADVICE = "set maxmemory-policy to noeviction, or pass assume: { noeviction: true } if it is set but can't be read";
/** How long a policy that was read stays valid: an operator may change it while the server runs. */
const CHECK_EVERY_MS = 60_000;

/**
 * Reads the policy with INFO, because hosted servers allow INFO but not CONFIG. It is a script because a script goes to the
 * server of its key. On a Cluster any node may answer a plain INFO.
 *
 * KEYS: any key of the namespace
 * Reply: 'policy' and its name, '' if the server does not say it; or 'refused' and the server's message
 */
export const POLICY_SCRIPT = String.raw`#!lua flags=allow-oom
local info = redis.pcall('INFO', 'memory')
if type(info) ~= 'string' then return { 'refused', type(info) == 'table' and info.err or 'no text' } end
return { 'policy', string.match(info, 'maxmemory_policy:(%S+)') or '' }
`;

/** A call that needs the policy, and may be given up while it waits. */
export interface Asker {
  readonly isOver: boolean;
  /** Callbacks that run when the call is given up. */
  readonly onGiveUp: (() => void)[];
}

/** Whether one server has confirmed the policy `noeviction`, and when. */
export class EvictionCheck {
  /** Runs since the confirmation. */
  #proven: Stopwatch | undefined;
  readonly #asking = new SingleFlight<'answered' | 'given up'>();

  /**
   * Proves the policy `noeviction`. Under any other policy Redis deletes keys when its memory is full: a revoke, a journal,
   * or a whole namespace.
   *
   * @param ask sends the script; only one query runs at a time, and all callers wait for its answer
   * @throws AskError when the policy is another one, or cannot be read; no other command has been sent then
   */
  async prove(ask: () => Promise<readonly RedisReply[]>, asker: Asker): Promise<void> {
    while (!this.#isProven()) {
      if (asker.isOver) throw new AskError('no', 'given up');
      const answer = await this.#asking.join(() => begin(ask, asker));
      // The caller that sent the query has given up, and the query may never be answered. The other callers send it again.
      if (answer === 'given up') continue;
      this.#proven = new Stopwatch(systemClock);
      return;
    }
  }

  #isProven(): boolean {
    return this.#proven !== undefined && this.#proven.ms < CHECK_EVERY_MS;
  }

  /** Called after a failure: the next answer may come from another server, with another policy. */
  forget(): void {
    this.#proven = undefined;
  }
}

function begin(ask: () => Promise<readonly RedisReply[]>, { onGiveUp }: Asker): Promise<'answered' | 'given up'> {
  return new Promise((resolve, reject) => {
    onGiveUp.push(() => resolve('given up'));
    ask()
      .then(checkPolicy)
      .then(() => resolve('answered'), reject);
  });
}

function checkPolicy([what, said]: readonly RedisReply[]): void {
  if (what === 'policy' && said === 'noeviction') return;
  const text = typeof said === 'string' ? said : 'no reason given';
  if (what !== 'policy') throw new AskError('no', `the eviction policy could not be read: ${text}; ${ADVICE}`);
  throw new AskError(
    'no',
    `${text === '' ? 'this server hides its eviction policy' : `this server can evict grants (${text})`}; ${ADVICE}`,
  );
}
