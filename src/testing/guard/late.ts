import { same } from '../assertions.js';
import type { Cases } from './cases.js';
import { seen } from './steps.js';

/** The guard's answers that come after the client already has another answer. */
const LATE: readonly (readonly [what: string, session: string])[] = [
  ['allows', 'late user:maya'],
  ['refuses', 'late user:eve'],
  ['fails', 'late throws'],
];

export const late: Cases = (it) => {
  for (const [what, session] of LATE) {
    it(`runs no handler, sends nothing and continues to serve where the guard ${what} late`, async (world) => {
      await world.grant();
      const calling = world.call('late', session);
      await world.until(() => world.subjects > 0, 'the guard identifies the caller');
      world.answerEarly();
      const response = await calling;
      same(response.status, 503, 'the status that the other handler has answered');
      await response.text();
      world.letKnow();
      await seen(world, await world.call('plain', 'user:maya'));
      await world.isAtRest();
      same(world.handled.length, 1, 'the total number of handlers that were called');
    });
  }
};
