import type { Kernel } from '../kernel/kernel.js';
import { Activation } from './activation.js';
import { Checker } from './checker.js';

/** The checker of an engine: it asks the approver about starts that are due. */
export class EngineChecker extends Checker {
  constructor(kernel: Kernel) {
    super(kernel.settings, kernel.clock, kernel.settings.store, kernel.part(Activation));
  }
}
