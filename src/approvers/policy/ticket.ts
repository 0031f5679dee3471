import { invalid, isBlank } from '../../core/parse.js';

/** The required form of a ticket: `true` for any ticket, or a pattern. */
export type Ticket = true | string;

// Printable ASCII without spaces. A `*` is allowed only at the end.
const PATTERN = /^(?=.{1,256}$)[!-)+-~]+\*?$/;

export const TICKET_PATTERN = PATTERN.source;

const FORM = "'INC-####' (# is a digit) or 'INC-*' (a final * is one or more characters)";

const isForm = (value: unknown): value is string => typeof value === 'string' && PATTERN.test(value);

export function readTicket(argument: string, value: unknown): Ticket {
  if (value !== true && !isForm(value)) throw invalid(argument, `true for any ticket, or its form: ${FORM}`, value);
  return value;
}

/** The form of a text that is no ticket. */
export function readForm(argument: string, value: unknown): string {
  if (!isForm(value)) throw invalid(argument, `a form such as ${FORM}`, value);
  return value;
}

/** Compares both texts in one pass (L22). A `*` matches one or more printable ASCII characters without spaces. */
export function matchesTicket(ticket: Ticket, given: string | undefined): boolean {
  if (given === undefined || isBlank(given)) return false;
  if (ticket === true) return true;
  const isOpen = ticket.endsWith('*');
  const fixed = isOpen ? ticket.length - 1 : ticket.length;
  if (isOpen ? given.length <= fixed : given.length !== fixed) return false;
  for (let i = 0; i < given.length; i++) {
    const char = given.charAt(i);
    const fits = i >= fixed ? char > ' ' && char <= '~' : ticket.charAt(i) === '#' ? char >= '0' && char <= '9' : char === ticket.charAt(i);
    if (!fits) return false;
  }
  return true;
}
