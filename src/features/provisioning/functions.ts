import { readId, readOptions } from '../../core/parse.js';
import { readBy, type By } from '../../engine/by.js';
import type { JitEngine } from '../../engine/engine.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { ProvisioningChange } from '../../records/index.js';
import { dismiss, findFailed } from './changes.js';
import type { ProvisioningTarget } from './options.js';
import { Provisioner, type ProvisioningReport } from './provisioner.js';

/** A registered target: what it has not applied, and how to bring its external system in step again. */
export interface Provisioning {
  /** The target's name. */
  readonly name: string;
  /** The changes of this target whose tries are used up, the oldest first; of one subject, or all. */
  failed(query?: { readonly subject?: string | undefined }): Promise<readonly ProvisioningChange[]>;
  /**
   * Compares what is recorded of this target with the access of this moment, and applies what differs and what is due, an end
   * that no sweep has recorded yet included. It applies nothing that the external system has taken, and no change whose
   * tries are used up. Resolves after one call for each; what failed has its other tries with the sweep.
   *
   * For a moment at which the external system must be in step: before a report, after a repair, when scopes were added.
   */
  reconcile(): Promise<ProvisioningReport>;
  /**
   * Applies the desired state of every subject and scope that is held, as a new change, although the external system has
   * taken it before. Gives each change whose tries are used up all of its tries again. It also does what
   * {@link reconcile} does.
   *
   * For an external system that lost its state, and after an outage.
   */
  resync(): Promise<ProvisioningReport>;
  /**
   * Sets a change of this target aside, as {@link dismissChange} does.
   *
   * @throws NotFoundError also where the change is another target's
   */
  dismiss(id: string, options: By): Promise<ProvisioningChange>;
}

/** Which changes {@link failedChanges} returns. */
export interface FailedChangesQuery {
  /** The target's name. */
  readonly name?: string | undefined;
  readonly subject?: string | undefined;
}

/**
 * Keeps an external system in step with who holds what of a list of scopes: a role is added and removed, a firewall rule
 * opened and closed. `apply` receives the desired state, not an event. Grants that overlap, or that follow one another
 * without a gap, are one change. No change is lost through any crash, and calls that fail are repeated.
 *
 * Gotcha: the external system learns of an expiry only when a sweep has recorded it. Access there outlives the grant by at
 * most one sweep interval plus the retries. Register the target in every process that sweeps, with the same name and scopes.
 *
 * @throws InvalidArgumentError also where a sink or another target has the name; ClosedError
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
 * The changes that no external system has taken and whose tries are used up, the oldest first: of one target, of one subject,
 * or all. It needs no registered target, so that a process for operators can ask.
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
 * Sets a change aside that an external system has not taken, because a person has handled it by other means. It is not tried
 * again, and a later change of access is applied. Twice is fine, and so is a change that was taken in the meantime.
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
