import { NotFoundError } from '../../core/errors.js';
import { dismissProvisioning } from '../../lifecycle/provisioning.js';
import { moment } from '../../lifecycle/transition.js';
import { decodeProvisioningChange, type ProvisioningChange } from '../../records/index.js';
import type { Kernel } from '../../kernel/kernel.js';

/** @returns the changes whose tries are used up, the oldest first */
export async function findFailed(
  { ledger, settings }: Kernel,
  { name, subject }: { readonly name: string | undefined; readonly subject: string | undefined },
): Promise<readonly ProvisioningChange[]> {
  const failed: ProvisioningChange[] = [];
  for await (const rows of ledger.pages({ kind: 'provisioning', subject, open: true })) {
    const changes = settings.decodeAll(rows, decodeProvisioningChange);
    failed.push(...changes.filter((change) => change.outcome !== undefined && (name ?? change.name) === change.name));
  }
  return failed.sort((a, b) => a.changedAt - b.changedAt);
}

/**
 * Closes an unfinished or stuck change without another call. A change that is done stays unchanged.
 *
 * @param change.name the target that the change must belong to; `undefined`: any target
 * @throws NotFoundError if no such change exists, or it belongs to another target
 */
export async function dismiss(
  { ledger, clock }: Kernel,
  { id, name }: { readonly id: string; readonly name: string | undefined },
  actor: string,
  reason: string | undefined,
): Promise<ProvisioningChange> {
  const dismissed = async () => {
    const row = await ledger.row('provisioning', id);
    const change = row && decodeProvisioningChange(row);
    if (change === undefined || (name ?? change.name) !== change.name) throw new NotFoundError('provisioning change', id);
    return dismissProvisioning(change, reason, moment(clock, actor));
  };
  return ledger.run(dismissed, { durably: true });
}
