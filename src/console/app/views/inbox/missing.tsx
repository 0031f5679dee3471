import type { JSX } from 'preact';
import type { InboxItem } from '../../../../index.js';
import { language, t } from '../../frame/messages.js';
import { alternativesIn } from '../../parts/decision-terms.js';

/** The approvals that are still needed: `1 more of security and 2 of dba`, with `or` between alternatives. */
export function Missing({ item: { missing, request } }: { readonly item: Pick<InboxItem, 'missing' | 'request'> }): JSX.Element {
  const { lang } = language.value;
  const key = request.reviews.length === 0 ? 'inbox.missing.group' : 'inbox.missing.more';
  const list = (parts: readonly string[], type: 'conjunction' | 'disjunction') => new Intl.ListFormat(lang, { type }).format(parts);
  const what = list(
    alternativesIn(missing).map((groups) =>
      list(
        groups.map(({ approvals, group }) => t(key, { count: approvals, group })),
        'conjunction',
      ),
    ),
    'disjunction',
  );
  return <>{missing.length === 0 ? t('inbox.missing.none') : t('inbox.missing', { what })}</>;
}
