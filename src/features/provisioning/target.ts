import { isScope, patternScopes } from '../../core/scope.js';
import { digestOf } from '../../journal/link.js';
import { isLeased } from '../../followers/lease.js';
import { bookmark } from '../../records/bookmark.js';
import type { GrantUse } from '../../lifecycle/status.js';
import {
  failProvisioning,
  intendProvisioning,
  isCovered,
  isDue,
  isUpToDate,
  opensAt,
  settleProvisioning,
  type ProvisioningKey,
} from '../../lifecycle/provisioning.js';
import { moment, noChange, PROVISIONING, type Transition } from '../../lifecycle/transition.js';
import type { Row } from '../../core/store-port.js';
import { decodeProvisioningChange, type ProvisioningChange } from '../../records/index.js';
import { codeOf } from '../../core/print-failure.js';
import { within } from '../../core/timers.js';
import type { Kernel } from '../../kernel/kernel.js';
import { coverageOf, grantsReaching } from '../../engine/checks/coverage.js';
import { detailsOf, NOT_HELD } from './details.js';
import type { ParsedTarget } from './options.js';
import { readPairs } from './target-options.js';
import { KeyedQueue } from './keyed-queue.js';
import { sharedScope } from './shared-scope.js';

/** How many calls to one target may be in flight, from one engine. */
const CALLS_AT_ONCE = 8;
/** A lease outlives its call, so that the process of a timed-out call can still record the outcome. */
const GRACE_MS = 5_000;

/**
 * One target: its changes, and the calls that apply them.
 *
 * The record holds the last change. A change is recorded in one commit, then applied, then recorded as done in another
 * commit. During the call a lease keeps other processes from calling for the same subject and scope. A process that finds an
 * unfinished change without a lease applies it again.
 */
export class Target {
  readonly options: ParsedTarget;
  readonly #kernel: Kernel;
  readonly #turns = new KeyedQueue(CALLS_AT_ONCE);
  /** By change id: changes whose calls may have arrived after a later change, until the current state is sent again. */
  readonly #unconfirmed = new Map<string, ProvisioningChange>();

  constructor(options: ParsedTarget, kernel: Kernel) {
    this.options = options;
    this.#kernel = kernel;
  }

  /** Whether the change is about a scope that this target declares. Another process may declare other scopes under the same name. */
  knows({ name, scope }: Pick<ProvisioningKey, 'name' | 'scope'>): boolean {
    return name === this.options.name && this.options.scopes.some((declared) => patternScopes.covers(declared, scope));
  }

  /** What a grant gives of the scopes that this target declares: each declared scope that it covers, and its part of each pattern. */
  keysOfGrant(subject: string, granted: string): readonly ProvisioningKey[] {
    const { scopes } = this.#kernel.settings;
    const shared = this.options.scopes.map((declared) => {
      if (scopes.covers(granted, declared)) return declared;
      // Exact: a grant of another scope shares nothing with a declared scope.
      return isScope(declared) ? undefined : sharedScope(granted, declared);
    });
    return [...new Set(shared)].flatMap((scope) => (scope === undefined ? [] : [this.keyOf(subject, scope)]));
  }

  /**
   * Whether a grant of this scope may give or end access of a pair that {@link keysOfGrant} does not return: one that a narrower
   * grant has made. A target without a pattern has no such pair.
   */
  reachesOthers(granted: string): boolean {
    return this.declaresPattern && this.#kernel.settings.scopes.isWide?.(granted) !== false;
  }

  get declaresPattern(): boolean {
    return !this.options.scopes.every(isScope);
  }

  keyOf(subject: string, scope: string): ProvisioningKey {
    const { name } = this.options;
    // A digest of a list, so that no two lists run together (L24).
    return { id: digestOf([this.#kernel.ledger.store.namespace, 'provisioning', name, subject, scope]), name, subject, scope };
  }

  /**
   * Records a change if the current access differs from the last change, if `isResent` asks for it, or to wait for a start. It reads
   * the access after the record: if it read the access first, it could overwrite a newer change with older access.
   *
   * @returns the record, changed or not; `undefined`: there was never a change
   */
  async recordChange(
    key: ProvisioningKey,
    isResent: (before: ProvisioningChange | undefined, held: boolean) => boolean = () => false,
  ): Promise<ProvisioningChange | undefined> {
    const { ledger, clock } = this.#kernel;
    return ledger.run<ProvisioningChange | undefined>(async () => {
      const change = await this.change(key);
      const live = await this.#liveGrants(key);
      const { head } = await ledger.journal();
      const now = moment(clock, PROVISIONING);
      const held = isCovered(live, now);
      const isCurrent = isUpToDate(change, held) && !isResent(change, held);
      const tryAt = isCurrent && !held ? opensAt(change, live, now) : undefined;
      if (isCurrent && tryAt === undefined) return noChange(change);
      // At least the journal's head, so that the number grows even if the record was purged in between.
      return intendProvisioning(change, key, { held, seq: Math.max(change?.seq ?? 0, head.seq) + 1, tryAt }, now);
    });
  }

  /**
   * The live grants that reach a scope. It does not wait for an approver that must confirm a start: the approver's answer
   * becomes a journal entry, which the provisioner follows (L38).
   */
  async #liveGrants({ subject, scope }: ProvisioningKey): Promise<readonly GrantUse[]> {
    return (await coverageOf(this.#kernel, subject, scope, false)).uses;
  }

  /** Whether a subject holds a scope now. It asks no approver to confirm a start. */
  async isHeld({ subject, scope }: ProvisioningKey): Promise<boolean> {
    const uses = await grantsReaching(this.#kernel, subject, scope);
    return isCovered(uses, this.#kernel.clock.read());
  }

  /** The last change of a subject and scope. `undefined`: there was none. @throws CorruptError, StoreError */
  async change({ id }: Pick<ProvisioningKey, 'id'>): Promise<ProvisioningChange | undefined> {
    const row = await this.#kernel.ledger.row('provisioning', id);
    return row && decodeProvisioningChange(row);
  }

  /** The access that the external system gives, of the scopes that this target declares. `undefined`: the target has no `read`. */
  async readOutside(): Promise<{ readonly keys: readonly ProvisioningKey[]; readonly unreadable: readonly string[] } | undefined> {
    const outside = await readPairs(this.#kernel, this.options);
    return (
      outside && {
        keys: outside.pairs.map(({ subject, scope }) => this.keyOf(subject, scope)).filter((key) => this.knows(key)),
        unreadable: outside.unreadable,
      }
    );
  }

  /** Applies the due change of a subject and scope, unless another process does. Records and reports a failure; never rejects. */
  apply(key: ProvisioningKey): Promise<void> {
    return this.#turns.run(key.id, () => this.#applyAll(key).catch((error: unknown) => this.#fail(error)));
  }

  /** Sends the unconfirmed changes again. A store failure may have prevented an earlier attempt. Never rejects. */
  async resume(): Promise<void> {
    await Promise.all([...this.#unconfirmed.values()].map((change) => this.apply(change)));
  }

  get isBusy(): boolean {
    return this.#turns.isBusy;
  }

  /** Resolves when no call is in flight. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }

  async #applyAll(key: ProvisioningKey): Promise<void> {
    // Repeats after each call, because access may have changed in the meantime.
    while (await this.#applyOnce(key));
  }

  /** @returns whether there may be more to apply */
  async #applyOnce(key: ProvisioningKey): Promise<boolean> {
    for (const change of this.#unconfirmed.values()) if (change.id === key.id) await this.#resend(change);
    if (!isDue(await this.recordChange(key), this.#kernel.clock.read())) return false;
    const lease = await this.#lease(key.id);
    // Another process makes the call. If that process dies, a sweep continues after its lease has expired.
    if (lease === undefined) return false;
    const change = await this.change(key);
    if (!isDue(change, this.#kernel.clock.read())) {
      await this.#release(key.id, lease);
      return false;
    }
    const step = await this.#call(change);
    this.#unconfirmed.set(changeId(change), change);
    if (await this.#recordOutcome(change, lease, step)) {
      this.#unconfirmed.delete(changeId(change));
      await this.#release(key.id, lease);
    }
    return true;
  }

  /** Makes the call. @returns the transition that records its outcome */
  async #call(change: ProvisioningChange): Promise<(now: ProvisioningChange) => Transition<ProvisioningChange>> {
    const { apply, backoff, timeoutMs, name } = this.options;
    const { clock } = this.#kernel;
    const { subject, scope, held, seq } = change;
    const timedOut = new AbortController();
    // Drops the result: returning a thenable would make this promise adopt it, and it may never settle.
    const call = Promise.resolve()
      .then(async () => (held ? detailsOf(this.#kernel, await this.#liveGrants(change)) : NOT_HELD))
      .then((details) => apply({ subject, scope, held, seq, id: changeId(change), ...details, signal: timedOut.signal }))
      .then(() => undefined);
    try {
      await within(
        clock.source,
        timeoutMs,
        () => call,
        () => new Error(`apply of target ${name} did not settle within ${timeoutMs} ms`),
      );
      return (current) => settleProvisioning(current, moment(clock, PROVISIONING));
    } catch (error) {
      this.#fail(
        new Error(
          `target ${name} could not apply that ${subject} ${held ? 'holds' : 'does not hold'} ${scope}; the sweep retries it until its tries are used up`,
          { cause: error },
        ),
      );
      timedOut.abort(error);
      // A call that completes late may have overwritten a newer state.
      const late = () => {
        this.#unconfirmed.set(changeId(change), change);
        return this.#resend(change).then(() => this.apply(change));
      };
      void call.then(late, late).catch((failure: unknown) => this.#fail(failure));
      return (current) => failProvisioning(current, codeOf(error), backoff, moment(clock, PROVISIONING));
    }
  }

  /** Records the outcome of a call, if its change is still the last one. @returns whether this engine held the lease throughout */
  async #recordOutcome(
    change: ProvisioningChange,
    lease: number,
    step: (current: ProvisioningChange) => Transition<ProvisioningChange>,
  ): Promise<boolean> {
    const { ledger, owner } = this.#kernel;
    return ledger.run(async () => {
      const current = await this.change(change);
      const row = await ledger.row('lease', change.id);
      // The owner is compared too: a purge may have removed the row, and versions then begin at 1 again.
      const isOwn = row?.version === lease && row.body['owner'] === owner();
      if (!isOwn || current?.seq !== change.seq || current.outcome !== undefined) return noChange(isOwn);
      return { ...step(current), dependsOn: [{ kind: 'lease', id: change.id, version: lease }], result: isOwn };
    });
  }

  /**
   * Sends the current state again. A call that overran its lease may have reached the external system after the calls of other
   * processes. The state becomes a new change, because the external system may skip a number that it has seen. A missing
   * record means "not held": a purge removed it.
   */
  async #resend(change: ProvisioningChange): Promise<void> {
    await this.recordChange(change, (current) => (current?.held ?? false) !== change.held);
    this.#unconfirmed.delete(changeId(change));
  }

  /** @returns the lease's version; `undefined`: another process holds it */
  async #lease(id: string): Promise<number | undefined> {
    const { ledger, clock } = this.#kernel;
    const row = await ledger.row('lease', id);
    const { now } = clock.read();
    const longestMs = this.options.timeoutMs + GRACE_MS;
    if (this.#isLeased(row, now, longestMs)) return undefined;
    return (await this.#putLease(id, row?.version ?? 0, now + longestMs)) ? (row?.version ?? 0) + 1 : undefined;
  }

  /** Reports an unreadable lease and counts it as expired: two calls at a time do less harm than no call ever. */
  #isLeased(row: Row | undefined, now: number, longestMs: number): boolean {
    try {
      return isLeased(row, this.#kernel.owner(), now, longestMs);
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** Ends the lease early; otherwise it expires. */
  async #release(id: string, lease: number): Promise<void> {
    await this.#putLease(id, lease, 0);
  }

  #putLease(id: string, version: number, leasedUntil: number): Promise<boolean> {
    const { ledger, owner } = this.#kernel;
    const put = [bookmark('lease', id, version + 1, { leasedUntil, owner: owner() })];
    return ledger.commit({ expect: [{ kind: 'lease', id, version }], put });
  }

  #fail(error: unknown): void {
    this.#kernel.settings.onError(error, `provisioning ${this.options.name}`);
  }
}

/** The id of one change. The record's id is shared by all changes of its subject and scope. */
const changeId = ({ id, seq }: ProvisioningChange): string => `${id}.${seq}`;
