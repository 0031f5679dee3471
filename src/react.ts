export { useAccess, useInbox, type Access, type Inbox } from './features/react/hooks.js';
export type { Live } from './features/react/live-value.js';
export type { JitBadgeAttributes } from './features/react/jsx.js';
