import { CheckActivation } from '../../engine/check-activation.js';
import { coverageOf } from '../../engine/coverage.js';
import { EngineChecker } from '../../engine/engine-checker.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { GrantUse } from '../../lifecycle/status.js';

/**
 * The live grants that reach a scope. An approver that must confirm a start is asked and not waited for: its answer is an
 * entry, which is followed (L38).
 */
export async function covering(kernel: Kernel, subject: string, scope: string): Promise<readonly GrantUse[]> {
  const context = { checker: kernel.part(EngineChecker), activation: kernel.part(CheckActivation), keeper: kernel.clock };
  return (await coverageOf(context, subject, scope, false)).held;
}
