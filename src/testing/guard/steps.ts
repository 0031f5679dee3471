import { holds, same } from '../assertions.js';
import type { GuardWorld } from './world.js';

/** Checks a response of the handler. @returns the data that the handler received */
export async function seen(world: GuardWorld, response: Response): Promise<Readonly<Record<string, unknown>>> {
  same(response.status, 200, 'the status of a call that is allowed');
  const given = (await response.json()) as Readonly<Record<string, unknown>>;
  holds(world.handled.length > 0, 'the handler was called');
  return given;
}

/** Checks a refusal, for which no handler ran. @returns its body, as text */
export async function isRefused(world: GuardWorld, status: number, response: Response): Promise<string> {
  same(response.status, status, 'the status of a call that is refused');
  const text = await response.text();
  same(world.handled.length, 0, 'the number of handlers that were called');
  return text;
}

/** Checks a failure in the framework's own form, for which no handler ran. */
export async function isFailed(world: GuardWorld, response: Response): Promise<void> {
  await response.text();
  holds(
    response.status >= 500,
    `the status of a call whose caller could not be established is an error of the server's: got ${response.status}`,
  );
  same(world.handled.length, 0, 'the number of handlers that were called');
}
