import type { JSX } from 'preact';
import type { Anchor } from '../../../../index.js';
import { t } from '../../frame/messages.js';
import { Copy } from '../../parts/copy.js';
import { Hash } from './entry.js';

/** The head, as text that a person keeps elsewhere. */
export function Head({ head }: { readonly head: Anchor }): JSX.Element {
  const place = `${head.seq}.${head.hash}`;
  return (
    <section class="panel head-panel">
      <h2>{t('journal.head')}</h2>
      <p class="head-seq">
        {t('journal.entry', { seq: head.seq })} <Hash hash={head.hash} />
      </p>
      <code class="head-place">{place}</code>
      <p class="quiet">{t('journal.keep')}</p>
      <p class="actions">
        <Copy text={place}>{t('journal.copy')}</Copy>
      </p>
    </section>
  );
}
