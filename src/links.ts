export { approvalLinks, type ApprovalLinks } from './features/links/links.js';
export type { LinkKey } from './features/links/approval-link.js';
export type { NarrowTo } from './engine/by.js';
export type { ApprovalLinksOptions, LinkOptions, LinkPreview, RedeemBy } from './features/links/options.js';
