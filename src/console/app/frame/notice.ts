import type { Console } from './console.js';
import { t } from './messages.js';
import { keepsNotices, keepNotices } from './preferences.js';

/* A notice of the browser about new reviews, off at first. It has a number, and nothing that a person wrote. */

/** Whether the browser can show notices, and the viewer has not refused them. */
export const canNotify = (): boolean => typeof Notification === 'function' && isSecureContext && Notification.permission !== 'denied';

/** Whether the viewer wants notices, and the browser shows them. */
export const notifies = (): boolean => canNotify() && Notification.permission === 'granted' && keepsNotices();

/** Turns notices on or off. The browser asks the viewer, if it has not yet. @returns whether they are on */
export async function setNotifies(isOn: boolean): Promise<boolean> {
  keepNotices(isOn && (await Notification.requestPermission()) === 'granted');
  return notifies();
}

/** The requests of the last count, by the page. */
const counted = new WeakMap<Console, ReadonlySet<string>>();

/** Shows a notice while the page is hidden, if a request waits that did not wait at the last count. */
export function noteWaiting(console: Console, ids: readonly string[]): void {
  const before = counted.get(console);
  counted.set(console, new Set(ids));
  if (before === undefined || !document.hidden || ids.every((id) => before.has(id)) || !notifies()) return;
  try {
    const notice = new Notification(console.options.title, { body: t('frame.notice', { count: ids.length }), tag: 'jit-access' });
    notice.addEventListener('click', () => {
      notice.close();
      focus();
      console.navigate(console.href('inbox'));
    });
  } catch {
    // Some browsers show notices of another kind of page only.
    keepNotices(false);
  }
}
