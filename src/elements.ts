export { defineJitBadge, JitBadge, type JitBadgeChange } from './elements/jit-badge.js';
export type { BadgeState, BadgeStatus, BadgeWindow } from './elements/view.js';
