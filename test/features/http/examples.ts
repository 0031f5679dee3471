import type { JsonObject } from '../../../src/index.js';
import type { Operation } from '../../../src/features/http/operation.js';
import { aService, SAM, withExamples, type Sent } from './world.js';

/** The operations whose example is about the approved request. */
const APPROVED = ['extendRequest', 'releaseRequest'];

/** A service in which the example of an operation can be called, and the call. */
export async function exampleOf({ id, method, path, example }: Operation, requestedBy?: string, given?: Parameters<typeof aService>[0]) {
  const service = aService(given);
  const ids = await withExamples(service, requestedBy);
  // A subject with a pending break-glass review may not take more.
  if (id === 'breakGlass') await service.engine.reviewBreakGlass(ids.breakGlassId, { by: SAM, verdict: 'justified' });
  const names: Record<string, string> = APPROVED.includes(id) ? { ...ids, requestId: ids.approvedId } : ids;
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_, name: string) => names[name] ?? '');
  const filled = (given: JsonObject) => JSON.parse(fill(JSON.stringify(given))) as Record<string, string>;
  const to = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(fill(example.path?.[name] ?? '')));
  const query = new URLSearchParams(filled(example.query ?? {})).toString();
  const body = example.body === undefined ? {} : { body: filled(example.body) };
  const url = query === '' ? to : `${to}?${query}`;
  return { service, method, url, ...body, send: (sent: Sent = {}) => service.send(method, url, { ...body, ...sent }) };
}
