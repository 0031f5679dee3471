import type { Page } from '../../core/ports.js';
import type { HeldDuring } from '../../engine/lists/lists.js';
import type { AccessClient, FoundPerson, Named, NamedPages } from './access-client.js';
import { eventsOf } from './events.js';
import type { CallOptions, KeyedOptions, WaitOptions } from './inputs.js';
import { ROUTES } from './routes.js';
import { refuseUnknown, segment, Transport, type ClientOptions } from './transport.js';

/**
 * A client of the handler of `jit-access/http`, for browsers and services.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * const client = createClient({ baseUrl: '/access' });
 * const { request } = await client.requestAccess({ scope: 'db-prod:write', ttl: '30m', justification: 'INC-204' });
 * const { outcome } = await client.getRequest(request.id, { wait: 30 });
 */
export function createClient(options: ClientOptions): AccessClient {
  const transport = new Transport(options);
  const methods = Object.entries(ROUTES).map(([id, route]) => [id, methodOf(transport, id, route)]);
  // The methods are made from the table of routes, so only the type says what each takes. Tests compare both with the handler.
  const { searchPeople, ...all } = Object.fromEntries(methods) as AccessClient & {
    readonly searchPeople: (text: string, options?: CallOptions) => Promise<readonly FoundPerson[]>;
  };
  return { ...all, people: { search: searchPeople }, events: (given) => eventsOf(transport, given) };
}

/** Takes the value of the path, then the fields of the call, then its options; each if the operation has it. */
function methodOf(transport: Transport, id: string, route: string): (...args: unknown[]) => unknown {
  const [method, template, ...kinds] = route.split(' ') as [string, string, ...string[]];
  const isPost = method === 'POST';
  const isKeyed = kinds.includes('key');
  const known = ['signal', ...(isKeyed ? ['idempotencyKey'] : []), ...(id === 'getRequest' ? ['wait'] : []), ...(isPost ? [] : ['people'])];
  return (...args) => {
    // Reads the arguments itself: an async function rejects if they are wrong, and never throws.
    const send = async (more?: object) => {
      const rest = [...args];
      const path = template.replace('{}', () => segment(rest.shift()));
      const fields = isPost || kinds.includes('query') ? rest.shift() : {};
      const options = (rest[0] ?? {}) as KeyedOptions & WaitOptions;
      refuseUnknown(options, known);
      const { signal, wait, people, idempotencyKey = newKey() } = options;
      const headers = {
        ...(isPost && { 'content-type': 'application/json' }),
        // A bare key with a comma looks like two.
        ...(isKeyed && { 'idempotency-key': /^[^",]*,[^"]*$/.test(idempotencyKey) ? JSON.stringify(idempotencyKey) : idempotencyKey }),
        ...(wait && { prefer: `wait=${wait}` }),
      };
      const body = plain({ ...(fields as object), ...more, ...(people && { people }) });
      const query = isPost ? '' : String(new URLSearchParams(body as Record<string, string>));
      const mark = path.includes('?') ? '&' : '?';
      const call = { method, headers, signal, body: isPost ? body : undefined, path: query ? `${path}${mark}${query}` : path };
      return transport.send(call, !isPost || isKeyed);
    };
    if (kinds.includes('pages')) return pagesOf(send as (more?: object) => Promise<Page<unknown>>);
    return kinds.includes('items') ? send().then((list) => itemsOf(list as Named<Page<unknown>>)) : send();
  };
}

/** The fields that are given, with instants as epoch milliseconds, and a span as `<from>..<to>`. */
const plain = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, written(name, value)]])));

function written(name: string, value: unknown): unknown {
  if (name !== 'during') return value instanceof Date ? +value : value;
  const { from, to } = value as HeldDuring;
  return `${+from}..${+to}`;
}

/** Unlike `crypto.randomUUID`, it also exists on pages without TLS. The separators keep it injective. */
const newKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-');

/** A whole list, with its names. */
const itemsOf = <T>({ items, people }: Named<Page<T>>): Named<readonly T[]> => (people ? Object.assign(items, { people }) : items);

/** As `pagesOf` of the engine, for answers that come from the network. */
function pagesOf<T>(read: (more?: { readonly after: string }) => Promise<Named<Page<T>>>): NamedPages<T> {
  const first = read();
  return Object.assign(first, {
    async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
      for (let page = await first; ;) {
        yield* page.items;
        if (page.next === undefined) return;
        page = await read({ after: page.next });
      }
    },
  });
}
