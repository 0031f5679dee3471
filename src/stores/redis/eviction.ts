import { SingleFlight } from '../../core/single-flight.js';
import { Stopwatch } from '../../core/stopwatch.js';
import { systemClock } from '../../core/time.js';
import { AskError } from './ask-error.js';
import type { RedisReply } from './client.js';

const ADVICE = "set maxmemory-policy to noeviction, or pass assume: { noeviction: true } where it is but can't be read";
/** How long a policy that was read counts: an operator may change it in a running server. */
const CHECK_EVERY_MS = 60_000;

/**
 * Reads the policy by INFO, which hosted servers allow; CONFIG they don't. In a script, because that goes where its key
 * lies: on a Cluster a plain INFO is answered by any node.
 *
 * KEYS: any key of the namespace
 * Reply: 'policy' and its name, '' where the server doesn't say; or 'refused' and what the server said
 */
export const POLICY_SCRIPT = String.raw`#!lua flags=allow-oom
local info = redis.pcall('INFO', 'memory')
if type(info) ~= 'string' then return { 'refused', type(info) == 'table' and info.err or 'no text' } end
return { 'policy', string.match(info, 'maxmemory_policy:(%S+)') or '' }
`;

/** A call that needs to know the policy, and may be given up while it waits for that. */
export interface Asker {
  readonly isOver: boolean;
  /** Run when it is given up. */
  readonly onGiveUp: (() => void)[];
}

/** Whether one server has said that it evicts nothing, and when. */
export class EvictionCheck {
  /** Since it said so. */
  #proven: Stopwatch | undefined;
  readonly #asking = new SingleFlight<'answered' | 'given up'>();

  /**
   * Under any other policy Redis deletes keys when its memory is full: a revoke, a journal, a whole namespace.
   *
   * @param ask sends the script; one question at a time, whose answer all callers wait for
   * @throws AskError where the policy is another one, or can't be read; nothing else has been sent
   */
  async prove(ask: () => Promise<readonly RedisReply[]>, asker: Asker): Promise<void> {
    while (!this.#isProven()) {
      if (asker.isOver) throw new AskError('no', 'given up');
      const answer = await this.#asking.join(() => begin(ask, asker));
      // Where the caller whose question it was has given up, the others ask again: that question may never be answered.
      if (answer === 'given up') continue;
      this.#proven = new Stopwatch(systemClock);
      return;
    }
  }

  #isProven(): boolean {
    return this.#proven !== undefined && this.#proven.ms < CHECK_EVERY_MS;
  }

  /** After a failure the next answer may come from another server, with another policy. */
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
  const text = typeof said === 'string' ? said : 'it did not say';
  if (what !== 'policy') throw new AskError('no', `the eviction policy could not be read: ${text}; ${ADVICE}`);
  throw new AskError('no', `${text === '' ? 'this server hides its eviction policy' : `this server evicts by ${text}`}; ${ADVICE}`);
}
