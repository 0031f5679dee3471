import { invalid } from '../../../core/parse.js';

/** Stands for the origin of the page, which the handler does not know. */
const OWN = 'https://own.invalid';

const RULE = 'an https: URL, or a path of the own origin such as /sign-in';

/** @throws InvalidArgumentError */
export function readBasePath(argument: string, value: unknown): string {
  // Only characters that a URL shows unchanged: a request's path is compared with it.
  if (typeof value !== 'string' || !/^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*$/.test(value))
    throw invalid(argument, 'a path such as /access, without a slash at the end', value);
  return value;
}

/**
 * Reads a constant address to which the page leads. It is never taken from a request.
 *
 * @returns the address as it was given. `undefined`: there is none
 * @throws InvalidArgumentError
 */
export function readAddress(argument: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || originOf(value) === undefined) throw invalid(argument, RULE, value);
  return value;
}

/** The origin of an address that a browser cannot read as another one. `undefined`: it is refused. */
function originOf(address: string): string | undefined {
  // A browser removes tabs and line ends, and reads a backslash as a slash: `/\host` and `//host` are another origin.
  if (!/^(?:https:\/\/[\w[]|\/(?!\/))[\x21-\x5b\x5d-\x7e]*$/.test(address) || address.length > 2_000) return undefined;
  if (!URL.canParse(address, OWN)) return undefined;
  const { origin, username, password } = new URL(address, OWN);
  return username === '' && password === '' ? origin : undefined;
}

/** @returns a path of the own origin, as it was given. `undefined`: the value is not such a path */
export const readPath = (value: unknown): string | undefined => (typeof value === 'string' && originOf(value) === OWN ? value : undefined);

/** @throws InvalidArgumentError */
export function readTicketUrl(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const origins = ['a', 'b'].map((ticket) => (typeof value === 'string' ? originOf(value.replaceAll('{ticket}', ticket)) : undefined));
  // A ticket is a text of a requester. It may be no part of the host.
  if (typeof value !== 'string' || !value.includes('{ticket}') || origins[0] === undefined || origins[0] !== origins[1])
    throw invalid('ticketUrl', `${RULE}, with {ticket} in its path or query`, value);
  return value;
}

/** A path as seen from the folder of another path. A proxy may remove a prefix of both. */
export function relativePath(folder: string, path: string): string {
  const [from, to] = [folder, path].map((one) => one.split('/').slice(1)) as [string[], string[]];
  const common = from.findIndex((segment, i) => segment !== to[i]);
  const shared = common === -1 ? from.length : common;
  return `${'../'.repeat(from.length - shared) || './'}${to.slice(shared).join('/')}`;
}
