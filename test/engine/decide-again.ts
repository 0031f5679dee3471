import { decideRequest } from '../../src/engine/requests/requests.js';
import type { AccessResult, JitEngine } from '../../src/index.js';
import { kernelOf } from '../../src/kernel/kernel-of.js';

/**
 * Asks the approver about a request that it has not answered yet, as a sweep and a repeated ask do, but about this request alone and at
 * once. Otherwise it returns the state of the request.
 */
export async function decideAgain(engine: JitEngine, requestId: string): Promise<AccessResult> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  return decideRequest(kernel, requestId);
}
