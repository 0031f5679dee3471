import type { JSX } from 'preact';
import type { InboxItem } from '../../../../index.js';
import { t } from '../../frame/messages.js';
import { approvalsText } from '../../parts/approvals.js';

/** The approvals that are still needed. */
export function Missing({ item: { missing, request } }: { readonly item: Pick<InboxItem, 'missing' | 'request'> }): JSX.Element {
  const key = request.reviews.length === 0 ? 'part.approvals' : 'part.approvals.more';
  return <>{missing.length === 0 ? t('inbox.missing.none') : t('inbox.missing', { what: approvalsText(missing, key) })}</>;
}
