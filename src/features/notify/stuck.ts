import { textIn, said, type About } from './facts.js';
import type { Message } from './notice.js';
import { name, say, words } from './phrase.js';

/**
 * An external system has not taken a change of access, and its tries are used up. For operators only: a subject that still
 * has a right there, which was to be removed, should not be the first to know.
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
      said('change', textIn(data, 'effectId')),
    ],
  };
}
