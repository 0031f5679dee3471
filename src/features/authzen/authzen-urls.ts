import { InvalidArgumentError } from '../../core/errors.js';
import { invalid } from '../../core/parse.js';
import { withoutTrailingSlashes } from '../../core/trailing-slashes.js';

/** Where the handler is: for clients, and in this server. */
export interface AuthzenUrls {
  /** The id of the policy decision point, as it was given. */
  readonly publicUrl: string;
  /** The path of the endpoints in this server, without a slash at the end. */
  readonly basePath: string;
  /** The URL of the endpoints for clients, without a slash at the end. */
  readonly endpointUrl: string;
  /** The path of the metadata document. */
  readonly metadataPath: string;
}

/** The path of the metadata of a decision point without a path. */
export const WELL_KNOWN = '/.well-known/authzen-configuration';
const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
const RULE = 'an https: URL without credentials, query or fragment (http: only for localhost, 127.0.0.1 and [::1])';

/** @throws InvalidArgumentError naming the option */
export function readUrls(given: {
  readonly publicUrl?: unknown;
  readonly basePath?: unknown;
  readonly endpointUrl?: unknown;
}): AuthzenUrls {
  const url = readPublicUrl('publicUrl', given.publicUrl);
  const path = withoutTrailingSlashes(url.pathname);
  const basePath = given.basePath === undefined ? `${path}/access/v1` : readPath('basePath', given.basePath);
  const endpointUrl =
    given.endpointUrl === undefined
      ? `${url.origin}${basePath}`
      : withoutTrailingSlashes(readPublicUrl('endpointUrl', given.endpointUrl).href);
  return { publicUrl: given.publicUrl as string, basePath, endpointUrl, metadataPath: `${WELL_KNOWN}${path}` };
}

function readPublicUrl(argument: string, value: unknown): URL {
  const refuse = (got: string) => new InvalidArgumentError(argument, RULE, got);
  if (typeof value !== 'string') throw invalid(argument, RULE, value);
  let url: URL;
  try {
    url = new URL(value);
  } catch {
    throw refuse('an invalid URL');
  }
  if (url.username !== '' || url.password !== '') throw refuse('a URL with credentials');
  if (/[?#]/.test(value)) throw refuse('a URL with a query or a fragment');
  if (url.protocol === 'http:' && !LOOPBACK.includes(url.hostname)) throw refuse('http: to another host');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse('another scheme');
  return url;
}

/** Only unreserved characters of RFC 3986, so that the path has one form. */
function readPath(argument: string, value: unknown): string {
  if (typeof value !== 'string' || !/^(?:\/[\w.~-]+)*$/.test(value) || value.length > 256)
    throw invalid(argument, "a path such as '/access/v1', without a slash at the end", value);
  return value;
}
