import type { JitEngine } from '../../../src/index.js';
import { approvalLinks, type ApprovalLinks, type LinkKey } from '../../../src/links.js';

export const LINK_KEYS: readonly LinkKey[] = [{ id: 'k1', secret: 'correct horse battery staple, and more' }];

/** The approval links of an engine, with the key that all tests share: a link that one engine signed is valid for another. */
export const linksOf = (engine: JitEngine): ApprovalLinks => approvalLinks(engine, { keys: LINK_KEYS });
