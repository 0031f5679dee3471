import { judgeReaching } from '../../../engine/checks/checker.js';
import { EngineChecker } from '../../../engine/checks/engine-checker.js';
import type { ListedRequest } from '../../../engine/with-status.js';
import type { Row } from '../../../core/store-port.js';
import type { Decision } from '../../../records/index.js';
import type { Target, AuthzenContext } from '../authzen-context.js';

/** Reads what the denials of one call need of each subject, once for all of them. A stale read can only make a denial say less. */
export class SubjectReads {
  readonly #env: Pick<AuthzenContext, 'engine' | 'kernel'>;
  readonly #rows = new Map<string, Promise<readonly Row[]>>();
  readonly #pending = new Map<string, Promise<readonly ListedRequest[]>>();

  constructor(env: Pick<AuthzenContext, 'engine' | 'kernel'>) {
    this.#env = env;
  }

  /** Why a check denies. It asks no approver to confirm a start. */
  async decisionOf({ subject, scope }: Target): Promise<Decision> {
    const { kernel } = this.#env;
    const checker = kernel.part(EngineChecker);
    const rows = await once(this.#rows, subject, async () => checker.live(subject));
    const reading = kernel.clock.read();
    return judgeReaching(checker.reaching(rows, subject, scope, reading.now), subject, scope, reading);
  }

  /** Whether a request for this access is pending. Looks at the newest requests of the subject. */
  async isRequested({ subject, scope }: Target): Promise<boolean> {
    const { engine, kernel } = this.#env;
    const read = async () => (await engine.listRequests({ subject, status: 'pending', limit: 100 })).items;
    const pending = await once(this.#pending, subject, read);
    return pending.some(({ scopes }) => scopes.some((requested) => kernel.settings.scopes.covers(requested, scope)));
  }
}

function once<T>(reads: Map<string, Promise<T>>, subject: string, read: () => Promise<T>): Promise<T> {
  const known = reads.get(subject) ?? read();
  reads.set(subject, known);
  return known;
}
