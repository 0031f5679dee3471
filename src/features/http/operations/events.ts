import { EventHub } from '../events/hub.js';
import { operation } from '../operation.js';
import { stream } from '../schemas/answers.js';

/** Events: what has changed, so that an inbox and a badge update by themselves. */
export const events = operation({
  id: 'events',
  method: 'GET',
  path: '/events',
  area: 'events',
  summary: 'Server-sent events of what the caller may see. `Last-Event-ID` resumes; after `reset`, read everything again.',
  access: 'caller',
  namesPeople: false,
  answer: stream,
  async run({ kernel, self, options, request, may, again }) {
    const seesAll = await may('viewEvents', {});
    const isStill = async () => {
      const now = await again();
      return now?.self === self && (!seesAll || (await now.may('viewEvents', {})));
    };
    const { onError } = options;
    const events = await kernel.part(EventHub).open({ caller: self, seesAll, isStill, onError }, request.headers.get('last-event-id'));
    return { stream: events };
  },
});
