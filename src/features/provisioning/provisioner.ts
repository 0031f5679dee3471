import { ClosedError, isJitError } from '../../core/errors.js';
import { invalid } from '../../core/parse.js';
import { SingleFlight } from '../../core/single-flight.js';
import { nextTurn } from '../../core/turns.js';
import { Followers } from '../../followers/followers.js';
import { retryProvisioning, type ProvisioningKey } from '../../lifecycle/provisioning.js';
import { PROVISIONING, moment, noChange } from '../../lifecycle/transition.js';
import {
  changesAccess,
  decodeProvisioningChange,
  decodeGrant,
  isUnsettled,
  type AuditEntry,
  type ProvisioningChange,
} from '../../records/index.js';
import type { Kernel } from '../../kernel/kernel.js';
import { parseTarget, type HeldOutside } from './options.js';
import { Target } from './target.js';

/** What a resync or a reconcile did. */
export interface ProvisioningReport {
  /** Changes that the external system took. */
  readonly applied: number;
  /** Changes that it has not taken: they will be retried, or their tries are used up. */
  readonly unapplied: readonly ProvisioningChange[];
  /** The drift that `reconcile` has found. `undefined`: the target has no `read`, or this is the report of a resync. */
  readonly drift: ProvisioningDrift | undefined;
}

/** How an external system differs from the access that the grants give. Changes that are still unapplied are not part of it. */
export interface ProvisioningDrift {
  /** Access that the external system gives and that no grant gives. Remove it there: the engine has not given it. */
  readonly unexpected: readonly HeldOutside[];
  /** Access that grants give and the external system lacks, although it has taken the change. `resync()` applies it again. */
  readonly missing: readonly HeldOutside[];
  /**
   * Pairs of the external system that have a malformed subject or scope, each in a sentence. The rest is compared without them. At
   * most 100.
   */
  readonly unreadable: readonly string[];
}

/** Whether to make a change again although the external system has taken it. */
type IsResent = (before: ProvisioningChange | undefined, held: boolean) => boolean;

/** What a grant, or an entry about one, says of its access. */
interface GrantData {
  readonly subject?: string;
  readonly scope?: string;
}

const pairOf = ({ subject, scope }: HeldOutside): HeldOutside => ({ subject, scope });

/** How many records are processed at a time. */
const AT_ONCE = 20;
/** How many records one sweep compares with the grants. */
const COMPARED = 100;

/** The targets of one engine, by name. */
export class Provisioner {
  readonly #kernel: Kernel;
  readonly #byName = new Map<string, Target>();
  readonly #comparing = new SingleFlight();
  /** Where the next comparison continues. `undefined`: at the first record. */
  #comparedTo: string | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    kernel.onDue('provisioning', { decode: decodeProvisioningChange, handle: (changes) => this.#applyDue(changes) });
    kernel.onFlush(() => this.idle());
    kernel.onClose('targets', () => this.idle());
    kernel.background.track(this);
  }

  /** Registers a target, and follows the journal for it. @throws InvalidArgumentError, ClosedError */
  add(given: unknown): Target {
    if (this.#kernel.isClosed) throw new ClosedError();
    const target = new Target(parseTarget(given), this.#kernel);
    const { name } = target.options;
    const followers = this.#kernel.part(Followers);
    const follower = `provisioning:${name}`;
    if (followers.has(follower)) throw invalid('target.name', 'a name that no other target or sink uses', name);
    this.#byName.set(name, target);
    followers.add({ name: follower, follow: 'shared', write: (entries) => this.#follow(target, entries) }, true);
    return target;
  }

  get work(): string {
    return (
      [...this.#byName.values()].flatMap((target) => (target.isBusy ? [`target ${target.options.name}`] : [])).join(', ') || 'a comparison'
    );
  }

  get isBusy(): boolean {
    return this.#comparing.size > 0 || [...this.#byName.values()].some((target) => target.isBusy);
  }

  /** Resolves when no call is in flight. */
  async idle(): Promise<void> {
    await this.#comparing.settled();
    await Promise.all([...this.#byName.values()].map((target) => target.idle()));
  }

  /** Applies every difference from the current access, and every due change. */
  async reconcile(target: Target): Promise<ProvisioningReport> {
    const keys = await this.#keysOf(target);
    const report = await this.#applyAll(target, keys);
    return { ...report, drift: await this.#drift(target, keys) };
  }

  /** Applies everything that is held as new changes, and gives failed changes all of their tries again. */
  async resync(target: Target): Promise<ProvisioningReport> {
    const keys = await this.#keysOf(target, (failed) => this.#retry(failed.id));
    return this.#applyAll(target, keys, (before, held) => held && before?.outcome !== undefined);
  }

  /**
   * Compares the answer of `read` with the current access. A scope whose change was recorded since `read` began, or is still
   * unapplied, is skipped: the answer says nothing about it.
   */
  async #drift(target: Target, keys: readonly ProvisioningKey[]): Promise<ProvisioningDrift | undefined> {
    const begun = this.#kernel.clock.read().now;
    const read = await target.readOutside();
    if (read === undefined) return undefined;
    const outside = new Set(read.keys.map(({ id }) => id));
    const all = [...new Map([...keys, ...read.keys].map((key) => [key.id, key])).values()];
    const [unexpected, missing]: [HeldOutside[], HeldOutside[]] = [[], []];
    await this.#inBatches(all, async (key) => {
      const held = await target.isHeld(key);
      if (held === outside.has(key.id)) return;
      const change = await target.change(key);
      if (change !== undefined && (isUnsettled(change) || change.changedAt >= begun)) return;
      (held ? missing : unexpected).push(pairOf(key));
    });
    return { unexpected, missing, unreadable: read.unreadable };
  }

  async #inBatches<T, Result>(items: readonly T[], work: (item: T) => Promise<Result>): Promise<readonly Result[]> {
    const results: Result[] = [];
    for (let i = 0; i < items.length; i += AT_ONCE) {
      if (i > 0) await nextTurn();
      results.push(...(await Promise.all(items.slice(i, i + AT_ONCE).map(work))));
    }
    return results;
  }

  /** Applies the changes that a sweep found due. @returns how many changes belong to targets of other processes */
  #applyDue(changes: readonly ProvisioningChange[]): number {
    for (const target of this.#byName.values()) void target.resume();
    if ([...this.#byName.values()].some((target) => target.declaresPattern)) void this.#comparing.join(() => this.#compare());
    const own = changes.filter((change) => this.#byName.get(change.name)?.knows(change));
    for (const change of own) void this.#byName.get(change.name)?.apply(change);
    return changes.length - own.length;
  }

  /**
   * Compares the next records with the grants, and applies the end of held access that no grant gives. The entries announce each
   * end; this finds one that an earlier version, or another matcher, has missed. Never rejects.
   */
  async #compare(): Promise<void> {
    const { ledger, settings } = this.#kernel;
    try {
      const { items, next } = await ledger.find({ kind: 'provisioning', after: this.#comparedTo, limit: COMPARED });
      // Before the comparison, so that a record that fails it delays no other.
      this.#comparedTo = next;
      const held = settings.decodeAll(items, decodeProvisioningChange).filter((change) => change.held && !isPending(change));
      await this.#inBatches(held, async (key) => {
        const target = this.#byName.get(key.name);
        if (target?.declaresPattern !== true || !target.knows(key) || (await target.isHeld(key))) return;
        const change = await this.#record(target, key);
        if (change !== undefined && isPending(change)) void target.apply(change);
      });
    } catch (error) {
      settings.onError(error, 'provisioning');
    }
  }

  /**
   * Records what the entries may have changed before the cursor advances, so that a crash in between repeats it. The calls
   * are made afterwards, so that a call that hangs delays no other.
   */
  async #follow(target: Target, entries: readonly AuditEntry[]): Promise<void> {
    const keys = new Map<string, ProvisioningKey>();
    const wide = new Map<string, string[]>();
    for (const { type, data } of entries) {
      if (!changesAccess(type)) continue;
      this.#addKeys(target, data, keys);
      const { subject = '', scope = '' }: GrantData = data;
      if (target.reachesOthers(scope)) wide.set(subject, [...(wide.get(subject) ?? []), scope]);
    }
    for (const [subject, scopes] of wide) {
      for (const key of await this.#recordedKeys(target, subject, scopes)) keys.set(key.id, key);
    }
    // Access that is held and stays held may have another end now.
    const isRenewed: IsResent | undefined = target.options.renews ? (before, held) => held && before?.held === true : undefined;
    const changes = await this.#recordAll(target, [...keys.values()], isRenewed);
    for (const change of changes.filter(isPending)) void target.apply(change);
  }

  /** The recorded pairs of a subject that grants of these scopes cover. */
  async #recordedKeys(target: Target, subject: string, granted: readonly string[]): Promise<readonly ProvisioningKey[]> {
    const { ledger, settings } = this.#kernel;
    const keys: ProvisioningKey[] = [];
    for await (const rows of ledger.pages({ kind: 'provisioning', subject })) {
      const changes = settings.decodeAll(rows, decodeProvisioningChange);
      keys.push(
        ...changes.filter((change) => target.knows(change) && granted.some((scope) => settings.scopes.covers(scope, change.scope))),
      );
    }
    return keys;
  }

  /** Adds what a grant gives of the scopes that a target declares. */
  #addKeys(target: Target, { subject = '', scope: granted = '' }: GrantData, keys: Map<string, ProvisioningKey>): void {
    for (const key of target.keysOfGrant(subject, granted)) keys.set(key.id, key);
  }

  /** The subjects and scopes that are held, and those that the external system has or may have, according to the records. */
  async #keysOf(target: Target, onFailed?: (failed: ProvisioningChange) => Promise<unknown>): Promise<readonly ProvisioningKey[]> {
    const { ledger, settings } = this.#kernel;
    const keys = new Map<string, ProvisioningKey>();
    for await (const rows of ledger.pages({ kind: 'grant', open: true })) {
      for (const grant of settings.decodeAll(rows, decodeGrant)) this.#addKeys(target, grant, keys);
    }
    for await (const rows of ledger.pages({ kind: 'provisioning' })) {
      for (const change of settings.decodeAll(rows, decodeProvisioningChange)) {
        if (!target.knows(change)) continue;
        if (change.held || isUnsettled(change)) keys.set(change.id, change);
        if (change.outcome?.status === 'stuck') await onFailed?.(change);
      }
    }
    return [...keys.values()];
  }

  async #applyAll(target: Target, keys: readonly ProvisioningKey[], isResent?: IsResent): Promise<ProvisioningReport> {
    const { ledger, settings } = this.#kernel;
    await target.resume();
    const open = await this.#recordAll(target, keys, isResent);
    await Promise.all(open.filter(isPending).map((change) => target.apply(change)));
    const rows = await ledger.rows(open.map(({ id }) => ({ kind: 'provisioning', id })));
    const after = settings.decodeAll(
      rows.filter((row) => row !== undefined),
      decodeProvisioningChange,
    );
    const unapplied = after.filter(isUnsettled);
    return { applied: after.filter(({ outcome }) => outcome?.status === 'done').length, unapplied, drift: undefined };
  }

  /** @returns the changes that the external system has not taken */
  async #recordAll(target: Target, keys: readonly ProvisioningKey[], isResent?: IsResent): Promise<readonly ProvisioningChange[]> {
    const recorded = await this.#inBatches(keys, (key) => this.#record(target, key, isResent));
    return recorded.filter((change) => change !== undefined && isUnsettled(change)) as readonly ProvisioningChange[];
  }

  /**
   * A record that cannot be read does not block the others. The error is reported, and `reconcile` catches up once the
   * record is repaired.
   */
  #record(target: Target, key: ProvisioningKey, isResent?: IsResent): Promise<ProvisioningChange | undefined> {
    return target.recordChange(key, isResent).catch((error: unknown) => {
      if (!(isJitError(error) && error.code === 'ERR_JIT_CORRUPT')) throw error;
      this.#kernel.settings.onError(error, `provisioning ${key.name}`);
      return undefined;
    });
  }

  #retry(id: string): Promise<ProvisioningChange | undefined> {
    return this.#kernel.ledger.run<ProvisioningChange | undefined>(async () => {
      const row = await this.#kernel.ledger.row('provisioning', id);
      return row === undefined
        ? noChange(undefined)
        : retryProvisioning(decodeProvisioningChange(row), moment(this.#kernel.clock, PROVISIONING));
    });
  }
}

const isPending = ({ outcome }: ProvisioningChange): boolean => outcome === undefined;
