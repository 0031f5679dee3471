import { textIn, said, type About } from './facts.js';
import type { Message } from './notice.js';
import { name, say, words } from './phrase.js';

/**
 * A system outside could not be told a change of access. It is for operators: whoever still has a right there that was
 * to be taken away is not who should hear of it first.
 */
export function effectStuck({ entry }: About): Message {
  const { data } = entry;
  const named = (field: string) => name(textIn(data, field) ?? '');
  const { held, failures } = data;
  return {
    kind: 'provisioning_stuck',
    people: [],
    groups: [],
    headline:
      held === true
        ? say`STUCK: ${named('name')} does not give ${named('subject')} the access to ${named('scope')}`
        : say`STUCK: ${named('name')} does not take the access to ${named('scope')} away from ${named('subject')}`,
    details: [
      typeof failures === 'number' ? say`failed calls: ${words(String(failures))}` : undefined,
      said('problem', textIn(data, 'problem')),
      said('effect', textIn(data, 'effectId')),
    ],
  };
}
