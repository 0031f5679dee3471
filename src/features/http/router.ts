import { isId } from '../../core/parse.js';
import type { Operation } from './operation.js';

/** An operation that a path and a method name, with the values of its path. */
export interface Route {
  readonly operation: Operation;
  readonly path: Readonly<Record<string, string>>;
}

/** The answer of the router: a route, or the methods that the path has; none: there is no such path. */
export type Routed = Route | { readonly operation: undefined; readonly methods: readonly string[] };

interface Pattern {
  readonly operation: Operation;
  readonly segments: readonly string[];
}

/** Finds the operation of a path, segment by segment: no regular expression is built from input. */
export class Router {
  readonly #patterns: readonly Pattern[];
  /** By method and number of segments. */
  readonly #groups = new Map<string, Pattern[]>();

  constructor(operations: readonly Operation[]) {
    this.#patterns = operations.map((operation) => ({ operation, segments: operation.path.split('/') }));
    for (const pattern of this.#patterns) {
      const key = groupOf(pattern.operation.method, pattern.segments);
      this.#groups.set(key, [...(this.#groups.get(key) ?? []), pattern]);
    }
  }

  /** @param path below `<basePath>/v1` @param method HEAD counts as GET */
  find(path: string, method: string): Routed {
    const given = path.split('/');
    for (const { operation, segments } of this.#groups.get(groupOf(method === 'HEAD' ? 'GET' : method, given)) ?? []) {
      const values = match(segments, given);
      if (values !== undefined) return { operation, path: values };
    }
    const others = this.#patterns.filter(({ segments }) => match(segments, given) !== undefined);
    return { operation: undefined, methods: others.flatMap(({ operation }) => (operation.method === 'GET' ? ['GET', 'HEAD'] : ['POST'])) };
  }
}

const groupOf = (method: string, segments: readonly string[]): string => `${method} ${segments.length}`;

/** A segment that is not well-formed, or can be no id, matches nothing: no operation and no hook of the service receives it. */
function decode(segment: string): string | undefined {
  try {
    const text = decodeURIComponent(segment);
    return isId(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Only values are decoded: a gateway that compares paths must see the path of an operation as it is. */
function match(segments: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  if (segments.length !== given.length) return undefined;
  const values: [string, string][] = [];
  for (const [i, segment] of segments.entries()) {
    const text = given[i] as string;
    if (!segment.startsWith('{')) {
      if (segment !== text) return undefined;
      continue;
    }
    const value = decode(text);
    if (value === undefined) return undefined;
    values.push([segment.slice(1, -1), value]);
  }
  // Literal paths come before those with a name, because an id may be any text.
  return values.every(([, value]) => value !== '') ? Object.fromEntries(values) : undefined;
}
