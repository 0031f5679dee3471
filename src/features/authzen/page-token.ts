import type { ParsedMacKeys } from '../../core/mac-keys.js';
import { fromBase64Url, toBase64Url } from '../../core/base64.js';
import { canonicalJson, digestOf } from '../../journal/link.js';
import { AuthzenError } from './errors.js';
import { isMac, macText } from './keys.js';

/** The position in a search. */
export interface SearchCursor {
  /** The digest of the endpoint, the caller and the entities of the search. */
  readonly search: string;
  /** The page size of the first request. `undefined`: it named none, or 0. */
  readonly limit: number | undefined;
  /** The last result of the pages so far. `undefined`: there was none. */
  readonly after: string | undefined;
}

const PURPOSE = 'page token';
/** An id of 256 characters, escaped, and the other fields fit. A longer token was not made by this package. */
const MAX_TOKEN = 4_096;

/** The digest that binds a token to its search. */
export const digestOfSearch = (parts: readonly unknown[]): string => digestOf(parts);

/** The token is `<key id>.<content>.<MAC of both>`, so that a client can neither read its way forward nor forge a position. */
export function writePageToken([key]: ParsedMacKeys, { search, limit = null, after = null }: NullableCursor): string {
  const content = toBase64Url(new TextEncoder().encode(canonicalJson([search, limit, after])));
  const signed = `${key.id}.${content}`;
  return `${signed}.${macText(key, PURPOSE, signed)}`;
}

type NullableCursor = { readonly [Field in keyof SearchCursor]: SearchCursor[Field] | null };

/** @throws AuthzenError 400 for a token that this handler did not make for this search */
export function readPageToken(keys: ParsedMacKeys, token: string, search: string): SearchCursor {
  const cursor = verify(keys, token);
  if (cursor === undefined) throw new AuthzenError(400, 'page.token is not valid');
  if (cursor.search !== search) throw new AuthzenError(400, 'page.token belongs to another search: its entities must not change');
  return cursor;
}

function verify(keys: ParsedMacKeys, token: string): SearchCursor | undefined {
  const [id, content, mac, ...more] = token.length > MAX_TOKEN ? [] : token.split('.');
  const key = keys.find((one) => one.id === id);
  if (key === undefined || content === undefined || mac === undefined || more.length > 0) return undefined;
  if (!isMac(key, PURPOSE, `${key.id}.${content}`, mac)) return undefined;
  const bytes = fromBase64Url(content);
  if (bytes === undefined) return undefined;
  // The MAC is valid, so this package wrote the content.
  const [search, limit, after] = JSON.parse(new TextDecoder().decode(bytes)) as [string, number | null, string | null];
  return { search, limit: limit ?? undefined, after: after ?? undefined };
}
