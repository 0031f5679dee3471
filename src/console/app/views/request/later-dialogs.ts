import { later } from '../../frame/later.js';

type Name = 'Cancel' | 'Change' | 'Extend' | 'Release' | 'Revoke';

const dialog = (name: Name) => later(() => import('./dialogs.js').then((module) => module[name]));

/** The dialogs about a request. They load with the first one that opens. */
export const DIALOGS = {
  Cancel: dialog('Cancel'),
  Change: dialog('Change'),
  Extend: dialog('Extend'),
  Release: dialog('Release'),
  Revoke: dialog('Revoke'),
} as const;
