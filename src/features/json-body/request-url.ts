/** A path that no reader of a URL resolves or escapes, and the query after it. */
const PLAIN = /^((?:\/[\w~:@-][\w.~:@-]*)+)(?:\?([\w.~:@%&=+,;/-]*))?$/;

/** The path and the query of a target, if a URL has both as they are. `undefined`: a URL may change them. */
export function plainTarget(target: string): { readonly path: string; readonly query: string } | undefined {
  const [, path, query = ''] = PLAIN.exec(target) ?? [];
  return path === undefined ? undefined : { path, query };
}

/** The path and the query of a request's URL. */
export function targetOf({ url }: Request): { readonly path: string; readonly query: string } {
  const plain = plainTarget(url.slice(url.indexOf('/', url.indexOf('://') + 3)));
  if (plain !== undefined) return plain;
  const { pathname, search } = new URL(url);
  return { path: pathname, query: search.slice(1) };
}
