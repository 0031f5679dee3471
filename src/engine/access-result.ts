import { freshlyIssued, type RequestWithGrants } from '../lifecycle/grant.js';
import { accessAt, type Access, type GrantUse } from '../lifecycle/status.js';
import type { AccessRequest } from '../records/index.js';
import type { ClockReading, EngineClock } from '../core/time.js';
import type { AccessGranted } from './answers.js';
import type { Ledger } from '../kernel/ledger.js';

/** What an approved request gives, read from the store. */
export async function readAccess(ledger: Ledger, keeper: EngineClock, request: AccessRequest): Promise<AccessGranted> {
  for (;;) {
    const begun = keeper.read();
    const held = await ledger.heldOf(request);
    const access = accessAt(held, keeper.read());
    // An idle end that passed during the read may have been moved by a use in the meantime: the rows are read again.
    if (access.hasEnded && !accessAt(held, begun).hasEnded) continue;
    return granted(held, access);
  }
}

/** What a request gives whose grants the caller has just issued, judged at the reading at which it issued them. */
export function issuedAccess(grants: NonNullable<RequestWithGrants['grants']>, reading: ClockReading): AccessGranted {
  const held = grants.map(freshlyIssued);
  return granted(held, accessAt(held, reading));
}

const granted = (held: readonly GrantUse[], { allowed, hasEnded }: Access): AccessGranted => ({
  outcome: hasEnded ? 'ended' : 'granted',
  allowed,
  grants: held.map(({ grant }) => grant),
});
