import type { AccessStatus } from 'jit-access';
import { el } from './dom.js';
import { timeOf } from './words.js';

export interface Badge {
  readonly element: HTMLElement;
  readonly show: (status: AccessStatus) => void;
}

export function createBadge(): Badge {
  const element = el('span', { class: 'badge' });
  return {
    element,
    show: ({ held }) => {
      const last = held.at(-1);
      element.textContent = last === undefined ? 'read-only' : `admin (expires ${timeOf(last.expiresAt)})`;
    },
  };
}
