import type { Kernel } from '../../kernel/kernel.js';
import { coveredUntil, isUsable, type GrantUse } from '../../lifecycle/status.js';
import { effectiveEnd } from '../../records/index.js';
import type { DesiredState } from './options.js';

/** The end and the cause of held access. */
export type Details = Pick<DesiredState, 'until' | 'reason' | 'ticket'>;

export const NOT_HELD: Details = /* @__PURE__ */ Object.freeze({ until: undefined, reason: undefined, ticket: undefined });

/**
 * The end and the cause of the access that these grants give, as known now. If it has ended in the meantime, `until` is now: the
 * engine removes the access in the next call.
 */
export async function detailsOf({ clock, ledger, settings }: Kernel, uses: readonly GrantUse[]): Promise<Details> {
  const reading = clock.read();
  const end = coveredUntil(uses, reading);
  if (end === undefined) return { ...NOT_HELD, until: reading.now };
  const usable = uses.filter((use) => isUsable(use, reading));
  const last = usable.reduce((a, b) => (effectiveEnd(b.grant, b.usage) > effectiveEnd(a.grant, a.usage) ? b : a));
  const { justification: reason, ticket } = await ledger.request(last.grant.requestId);
  return { until: end - settings.leewayMs, reason, ticket };
}
