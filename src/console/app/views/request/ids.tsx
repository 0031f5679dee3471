import type { JSX } from 'preact';
import type { RequestFound } from '../../../../index.js';
import { t } from '../../frame/messages.js';
import { Copy } from '../../parts/copy.js';
import { Scope } from '../../parts/scope.js';

/** The ids of the request, of its people and of its grants, for a log or a script. */
export function Ids({ found: { request, grants } }: { readonly found: RequestFound }): JSX.Element {
  const { id, subject, requestedBy } = request;
  const ids: readonly { readonly name: string; readonly id: string; readonly scope?: string }[] = [
    { name: t('request.ids.request'), id },
    { name: t('request.subject'), id: subject },
    ...(requestedBy === subject ? [] : [{ name: t('request.requester'), id: requestedBy }]),
    ...grants.map((grant) => ({ name: t('request.ids.grant'), scope: grant.scope, id: grant.id })),
  ];
  return (
    <details class="request-ids">
      <summary>{t('request.ids')}</summary>
      <ul>
        {ids.map(({ name, scope, id: one }) => (
          <li key={name + one}>
            <span class="quiet">
              {name} {scope !== undefined && <Scope scope={scope} />}
            </span>
            <code dir="ltr">{one}</code>
            <Copy text={one} label={t('part.copy.label', { what: scope ?? name })}>
              {t('part.copy')}
            </Copy>
          </li>
        ))}
      </ul>
    </details>
  );
}
