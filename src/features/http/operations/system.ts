import { operation } from '../operation.js';
import { HealthCheck } from '../health.js';
import * as answers from '../schemas/answers.js';

/* What needs no caller. */

const area = 'service';

export const health = operation({
  id: 'health',
  method: 'GET',
  path: '/health',
  area,
  summary: 'Whether the store and the clock answer: 200 or 503.',
  access: 'open',
  answer: answers.health,
  async run({ kernel }) {
    await kernel.part(HealthCheck).assertHealthy();
    return { body: { status: 'ok' } };
  },
});
