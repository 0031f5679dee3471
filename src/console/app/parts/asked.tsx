import type { ComponentChildren, JSX } from 'preact';
import type { AccessRequest } from '../../../index.js';
import { LongText } from './long-text.js';
import { Scopes } from './scope.js';
import { Ticket } from './ticket.js';
import { Duration } from './time.js';

interface AskedProps {
  readonly request: AccessRequest;
  readonly when: ComponentChildren;
}

/** What was requested, for how long, when, and why. */
export function Asked({ request: { scopes, ttlMs, justification, ticket }, when }: AskedProps): JSX.Element {
  return (
    <>
      <p class="inbox-what">
        <Scopes scopes={scopes} />{' '}
        <strong>
          <Duration ms={ttlMs} />
        </strong>{' '}
        <span class="quiet">{when}</span>
      </p>
      {justification !== undefined && <LongText class="inbox-why" text={justification} />}
      {ticket !== undefined && (
        <p>
          <Ticket ticket={ticket} />
        </p>
      )}
    </>
  );
}
