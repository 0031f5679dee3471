import { readId, readOptions } from '../../core/parse.js';
import { readBy, type By } from '../../engine/by.js';
import type { JitEngine } from '../../engine/engine.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { ProvisioningChange } from '../../records/index.js';
import { dismiss, findFailed } from './changes.js';
import type { ProvisioningTarget } from './options.js';
import { Provisioner, type ProvisioningReport } from './provisioner.js';

/** A registered target: the changes that it has not applied, and the verbs that bring its external system up to date. */
export interface Provisioning {
  /** The target's name. */
  readonly name: string;
  /**
   * The changes of this target whose tries are used up, the oldest first; of one subject, or all.
   *
   * @param query.subject selects the changes of this subject. Default: all subjects
   */
  failed(query?: { readonly subject?: string | undefined }): Promise<readonly ProvisioningChange[]>;
  /**
   * Compares the recorded changes of this target with the current access. Applies every difference and every due change,
   * also an expiry that no sweep has recorded yet.
   *
   * It does not apply again what the external system has taken, and skips changes whose tries are used up. Resolves after
   * one call for each change; the sweep retries those that failed. If the target has a `read`, the report also lists the drift:
   * access that was never granted, and access that is missing.
   *
   * Use it when the external system must be up to date: before a report, after a repair, after scopes were added.
   */
  reconcile(): Promise<ProvisioningReport>;
  /**
   * Applies the desired state of every subject and scope that is held, as a new change, although the external system has
   * taken it before. Gives each change whose tries are used up all of its tries again. It also does what {@link reconcile}
   * does.
   *
   * For an external system that lost its state, and after an outage.
   */
  resync(): Promise<ProvisioningReport>;
  /**
   * Dismisses a change of this target, like {@link dismissChange}.
   *
   * @throws NotFoundError also when the change belongs to another target
   */
  dismiss(id: string, options: By): Promise<ProvisioningChange>;
}

/** Which changes {@link failedChanges} returns. */
export interface FailedChangesQuery {
  /** The target's name. Default: all targets. */
  readonly name?: string | undefined;
  /** Selects the changes of this subject. Default: all subjects. */
  readonly subject?: string | undefined;
}

/**
 * Keeps an external system up to date with the holders of a list of scopes: for example, it adds and removes a role, or
 * opens and closes a firewall rule. `apply` receives the desired state, not an event.
 *
 * Grants that overlap, or that follow one another without a gap, are one change. No crash loses a change, and failed calls
 * are repeated.
 *
 * Gotcha: the external system learns of an expiry only when a sweep has recorded it. Access there outlives the grant by at
 * most one sweep interval plus the retries. Register the target in every process that sweeps, with the same name and scopes.
 *
 * @throws InvalidArgumentError also when a sink or another target has the name; ClosedError
 * @example
 * const roles = provision(engine, {
 *   name: 'warehouse-roles',
 *   scopes: ['warehouse:read'],
 *   apply: ({ subject, scope, held, signal }) => warehouse.setRole(subject, scope, held, { signal }),
 * });
 */
export function provision<Scope extends string = string>(
  engine: JitEngine<Scope>,
  target: ProvisioningTarget<NoInfer<Scope>>,
): Provisioning {
  const kernel = kernelOf(engine);
  const provisioner = kernel.part(Provisioner);
  const registered = provisioner.add(target);
  const { name } = registered.options;
  return Object.freeze({
    name,
    async failed(query = {}) {
      kernel.refuseIfClosed();
      const { subject } = readOptions('query', query, ['subject']);
      return findFailed(kernel, { name, subject: readSubject(kernel, subject) });
    },
    async reconcile() {
      kernel.refuseIfClosed();
      return provisioner.reconcile(registered);
    },
    async resync() {
      kernel.refuseIfClosed();
      return provisioner.resync(registered);
    },
    async dismiss(id, options) {
      return readAndDismiss(kernel, id, options, name);
    },
  } satisfies Provisioning);
}

/**
 * The changes that no external system has taken and whose tries are used up, the oldest first. They can be limited to one
 * target or one subject. No target needs to be registered, so that a process for operators can ask.
 *
 * @throws InvalidArgumentError, StoreError, ClosedError
 * @example
 * for (const { name, subject, scope, held } of await failedChanges(engine, { subject: 'user:maya' })) {
 *   console.log(`${name}: ${subject} should ${held ? '' : 'not '}have ${scope}`);
 * }
 */
export async function failedChanges(engine: JitEngine, query: FailedChangesQuery = {}): Promise<readonly ProvisioningChange[]> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const { name, subject } = readOptions<keyof FailedChangesQuery>('query', query, ['name', 'subject']);
  return findFailed(kernel, { name: name === undefined ? undefined : readId('name', name), subject: readSubject(kernel, subject) });
}

/**
 * Dismisses a change that an external system has not taken, because a person has handled it by other means. It is not tried
 * again. A later change of access is applied. A second call has no effect, and a change that was taken in the meantime is
 * accepted.
 *
 * @param id the `id` of the change, as {@link failedChanges} returns it
 * @throws NotFoundError, InvalidArgumentError, StoreError, ClosedError
 * @example
 * await dismissChange(engine, change.id, { by: 'user:ops', reason: 'role removed by hand, INC-7' });
 */
export async function dismissChange(engine: JitEngine, id: string, options: By): Promise<ProvisioningChange> {
  return readAndDismiss(kernelOf(engine), id, options);
}

async function readAndDismiss(kernel: Kernel, id: unknown, options: unknown, name?: string): Promise<ProvisioningChange> {
  kernel.refuseIfClosed();
  const changeId = readId('id', id);
  const { by, reason } = readBy(kernel.settings, options);
  return dismiss(kernel, { id: changeId, name }, by, reason);
}

const readSubject = ({ settings }: Kernel, subject: unknown): string | undefined =>
  subject === undefined ? undefined : settings.readId('subject', subject);
