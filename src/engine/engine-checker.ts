import type { Kernel } from '../kernel/kernel.js';
import { Activation } from './activation.js';
import { Checker } from './checker.js';

/** The checker of an engine. It asks the approver about due starts. */
export class EngineChecker extends Checker {
  constructor(kernel: Kernel) {
    super(kernel.settings, kernel.clock, kernel.settings.store, kernel.part(Activation));
  }
}
