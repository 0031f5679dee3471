import type { GrantStore } from '../../../src/index.js';
import { BASE, turns, type aService } from './world.js';

type Service = Pick<ReturnType<typeof aService>, 'handler'>;

/** An open stream: its events so far, each as its text. */
export async function listen(service: Service, as: string, headers: Record<string, string> = {}) {
  const response = await service.handler(new Request(`${BASE}/v1/events`, { headers: { 'x-user': as, ...headers } }));
  if (response.status !== 200) return { status: response.status, response, texts: () => Promise.resolve([]), end: () => Promise.resolve() };
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  let isDone = false;
  const read = async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) text += decoder.decode(next.value, { stream: true });
    isDone = true;
  };
  void read();
  return {
    status: 200,
    response,
    isDone: () => isDone,
    texts: async () => {
      await turns();
      return text.split('\n\n').filter((event) => event !== '');
    },
    end: () => reader.cancel(),
  };
}

export const typesOf = (events: readonly string[]): readonly string[] => events.map((event) => /^event: (.*)$/m.exec(event)?.[1] ?? event);

/** A method of a store, for a proxy. */
export function bound(store: GrantStore, name: string | symbol): unknown {
  const value: unknown = Reflect.get(store, name);
  return typeof value === 'function' ? (value.bind(store) as unknown) : value;
}
