import { InvalidArgumentError } from '../../core/errors.js';
import { isSecureUrl } from '../../core/secure-url.js';

const RULE = 'an https: URL without credentials (http: only for localhost, 127.0.0.1 and [::1])';

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
  const { protocol, username, password, origin, href } = url;
  if (username !== '' || password !== '') throw refuse('a URL with credentials');
  if (!isSecureUrl(url)) throw refuse(protocol === 'http:' ? 'http: to another host' : 'another scheme');
  return { href, origin };
}
