import { createClient, type ClientOptions } from '../../../src/client.js';
import { BASE, MAYA, type aService } from '../http/world.js';

type Service = ReturnType<typeof aService>;

/** A client that calls a service in this process, and what it has sent. */
export function aClient(service: Service, as = MAYA, options: Partial<ClientOptions> = {}) {
  const sent: Request[] = [];
  const send = options.fetch ?? ((url: string, init: RequestInit) => service.handler(new Request(url, init)));
  const client = createClient({
    baseUrl: BASE,
    headers: { 'x-user': as },
    clock: service.clock,
    ...options,
    fetch: (url, init) => {
      sent.push(new Request(url, { ...init, signal: null }));
      return send(url, init);
    },
  });
  return { client, sent };
}

/** Answers the first calls as given, and all later ones by the service. An `Error` is a failure of the network. */
export const failing =
  (service: Service, ...first: readonly (Error | Response)[]) =>
  async (url: string, init: RequestInit): Promise<Response> => {
    const rest = failures.get(service) ?? [...first];
    failures.set(service, rest);
    const next = rest.shift();
    if (next instanceof Error) throw next;
    return next ?? service.handler(new Request(url, init));
  };
const failures = new WeakMap<Service, (Error | Response)[]>();

/** A response that asks for a pause. */
export const down = (seconds = '2', status = 503): Response =>
  Response.json(
    { type: 'urn:jit-access:problem:store', title: 'Unavailable', status, detail: 'later', code: 'ERR_JIT_STORE' },
    { status, headers: { 'retry-after': seconds } },
  );

export const caught = async (promise: PromiseLike<unknown>): Promise<unknown> => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('the promise did not reject');
};

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Resolves when this number of parts sleep on the clock, such as the pause of a client. */
export async function asleep({ clock }: Service, count = 1): Promise<void> {
  for (let turns = 0; turns < 5 || clock.sleepers !== count; turns++) await turn();
}

/** Lets the pauses of a client pass, one after the other, until it answers. */
export async function passing<T>(service: Service, promise: Promise<T>, ms = 10_000): Promise<T> {
  let isSettled = false;
  const settled = () => void (isSettled = true);
  promise.then(settled, settled);
  while (!isSettled) {
    for (let turns = 0; turns < 20 && !isSettled; turns++) await turn();
    if (!isSettled) await service.clock.advance(ms);
  }
  return promise;
}
