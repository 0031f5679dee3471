export { defineJitBadge, JitBadge, type JitBadgeChange } from './elements/jit-badge.js';
export type { BadgeItem, BadgeState, BadgeStatus, BadgeWindow } from './elements/view.js';
