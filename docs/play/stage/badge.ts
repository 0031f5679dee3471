import type { Clock } from 'jit-access';
import { defineJitBadge } from 'jit-access/elements';
import type { Scene } from '../world/scene.js';
import { el } from './dom.js';

/** The package's own badge, beside a name. */
export function createBadge() {
  defineJitBadge();
  const element = el('jit-badge');
  let now = 0;
  // The badge uses the scenario's clock, and is set again with each scene: between two scenes no time passes here.
  const clock: Clock = {
    now: () => now,
    sleep: (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
  };
  element.clock = clock;

  const show = ({ now: reading, status, world }: Scene): void => {
    now = reading;
    // What a person holds has a name where they work; what an agent holds is best called what it is.
    element.setAttribute('label', world.scenario.subject.startsWith('user:') ? 'admin' : '');
    const baseline = status.standing.length > 0 ? 'read-only' : 'no access';
    element.setAttribute('words', `${baseline}|expires {}|expires in {}`);
    element.status = status;
  };
  return { element, show };
}
