import type { JSX } from 'preact';
import type { AccessRequest } from '../../../../index.js';
import type { Requestable } from '../../../../explain.js';
import { useConsole } from '../../frame/console.js';
import { useRead } from '../../frame/use-read.js';
import { EmergencyButton } from './button.js';
import { emergencyFor } from './choices.js';

interface OfferProps {
  readonly items: readonly Requestable[];
  readonly scopes: readonly string[];
}

/** Emergency access beside an ask for scopes. Nothing where no rule gives any of them in an emergency. */
export function EmergencyOffer({ items, scopes }: OfferProps): JSX.Element | null {
  if (!scopes.some((scope) => emergencyFor(items, scope) !== undefined)) return null;
  return <EmergencyButton scope={scopes.length === 1 ? scopes[0] : undefined} />;
}

/** Emergency access beside the viewer's own request that waits. */
export function EmergencyInstead({ request: { scopes } }: { readonly request: AccessRequest }): JSX.Element | null {
  const { client } = useConsole();
  const { value } = useRead(
    (signal) => client.requestable({ signal }),
    [],
    ({ type }) => type.startsWith('lock.'),
  );
  return <EmergencyOffer items={value?.items ?? []} scopes={scopes} />;
}
