import { remarkLine, textIn, type NoticeRecords } from './notice-texts.js';
import type { Message } from './notice.js';
import { name, say, words } from './phrase.js';

/**
 * Says that an external system has refused a change of access until the tries were used up. For operators only: a subject that
 * still has access there must not be the first to know.
 */
export function provisioningStuck({ entry }: NoticeRecords): Message {
  const { data } = entry;
  const named = (field: string) => name(textIn(data, field) ?? '');
  const { held, failures } = data;
  return {
    kind: 'provisioning_stuck',
    people: [],
    groups: [],
    headline:
      held === true
        ? say`STUCK: ${named('name')} has not opened ${named('subject')}'s access to ${named('scope')}`
        : say`STUCK: ${named('name')} has not closed ${named('subject')}'s access to ${named('scope')}`,
    details: [
      typeof failures === 'number' ? say`failed calls: ${words(String(failures))}` : undefined,
      remarkLine('problem', textIn(data, 'problem')),
      remarkLine('change', textIn(data, 'provisioningId')),
    ],
  };
}
