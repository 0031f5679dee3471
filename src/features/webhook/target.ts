import { InvalidArgumentError } from '../../core/errors.js';

const RULE = 'an https: URL without credentials (http: only for localhost, 127.0.0.1 and [::1])';
const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** The destination of webhooks. The path and query of an address may be secret, so messages contain only its origin. */
export interface Target {
  readonly href: string;
  readonly origin: string;
}

export function readTarget(argument: string, value: unknown): Target {
  const refuse = (got: string) => new InvalidArgumentError(argument, RULE, got);
  if (typeof value !== 'string') throw refuse('not a string');
  let url: URL;
  try {
    url = new URL(value);
  } catch {
    throw refuse('an invalid URL');
  }
  const { protocol, hostname, username, password, origin, href } = url;
  if (username !== '' || password !== '') throw refuse('a URL with credentials');
  if (protocol === 'http:' && !LOOPBACK.includes(hostname)) throw refuse('http: to another host');
  if (protocol !== 'https:' && protocol !== 'http:') throw refuse(`another scheme`);
  return { href, origin };
}
