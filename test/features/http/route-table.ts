import { operations } from '../../../src/features/http/operations/index.js';
import { exampleOf } from './examples.js';
import { BASE, EVE, MAYA, RAJ, SAM, SEC } from './world.js';

/** The callers of the table, in the order of its columns. */
export const CALLERS = [
  ['not authenticated', undefined],
  ['stranger', EVE],
  ['subject', MAYA],
  ['requester', RAJ],
  ['reviewer', SAM],
  ['permitted by `may`', SEC],
] as const;

export interface RouteRow {
  readonly id: string;
  readonly route: string;
  readonly statuses: readonly number[];
}

/** The answer of every route to every caller, about a request that raj made for maya and sam reviews. */
export async function routeTable(): Promise<readonly RouteRow[]> {
  const rows: RouteRow[] = [];
  for (const operation of operations) {
    const statuses: number[] = [];
    for (const [, as] of CALLERS) statuses.push(await statusFor(operation, as));
    rows.push({ id: operation.id, route: `${operation.method} ${operation.path}`, statuses });
  }
  return rows;
}

async function statusFor(operation: (typeof operations)[number], as: string | undefined): Promise<number> {
  const { service, send, url } = await exampleOf(operation, RAJ);
  if (operation.id !== 'events') return (await send(as === undefined ? {} : { as })).status;
  // The body of a stream ends with the engine.
  const response = await service.handler(new Request(`${BASE}/v1${url}`, { headers: as === undefined ? {} : { 'x-user': as } }));
  await service.engine.close();
  return response.status;
}
