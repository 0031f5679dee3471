import type { JSX } from 'preact';
import { useConsole } from '../frame/console.js';
import { ticketHref } from '../frame/options.js';

/** A ticket: a link, if the service has addresses of tickets. */
export function Ticket({ ticket }: { readonly ticket: string }): JSX.Element {
  const href = ticketHref(useConsole().options.ticketUrl, ticket);
  if (href === undefined) return <bdi class="ticket">{ticket}</bdi>;
  return (
    <a class="ticket" href={href} target="_blank" rel="noreferrer">
      <bdi>{ticket}</bdi>
    </a>
  );
}
