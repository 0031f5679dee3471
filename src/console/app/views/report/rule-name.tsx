import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { RuleUse } from '../../../../journal.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { useRead } from '../../frame/use-read.js';
import { Button } from '../../parts/button.js';
import { Dialog } from '../../parts/dialog.js';
import { Person } from '../../parts/person.js';
import { Problem } from '../../parts/problem.js';
import { Scopes } from '../../parts/scope.js';
import { Time } from '../../parts/time.js';
import type { Span } from '../history/span.js';

export const nameOf = ({ approver, rule }: RuleUse): string => [approver, rule].filter(Boolean).join(' · ') || t('report.noRule');

/** The requests of the span that a rule has decided. */
function RuleRequests({ rule, span, onClose }: { readonly rule: RuleUse; readonly span: Span; readonly onClose: () => void }): JSX.Element {
  const { client, href } = useConsole();
  const { value, error, again } = useRead(
    async (signal) => {
      const page = await client.listRequests(
        { all: true, status: 'approved', from: span.from, to: span.to, limit: 1_000 },
        { signal, people: true },
      );
      const items = page.items.filter((request) => request.approver === rule.approver && request.rule === rule.rule);
      return { ...page, items: items.slice(0, 100) };
    },
    [],
    () => false,
  );
  return (
    <Dialog title={t('report.requestsOf', { rule: nameOf(rule) })} onClose={onClose}>
      {error !== undefined && <Problem error={error} again={again} />}
      {value === undefined && error === undefined && <p class="quiet">{t('frame.starting')}</p>}
      {value?.items.length === 0 && <p class="quiet">{t('report.noRequests')}</p>}
      <ul class="rule-requests">
        {value?.items.map(({ id, subject, scopes, createdAt }) => (
          <li key={id}>
            <Person id={subject} short />
            <a href={href('request', id)}>
              <Scopes scopes={scopes} />
            </a>
            <span class="quiet">
              <Time at={createdAt} />
            </span>
          </li>
        ))}
      </ul>
      <p class="actions">
        <Button onPress={onClose}>{t('part.close')}</Button>
      </p>
    </Dialog>
  );
}

/** The name of a rule, which opens its requests. */
export function RuleName({ rule, span }: { readonly rule: RuleUse; readonly span: Span }): JSX.Element {
  const { permits } = useConsole();
  const [isOpen, setOpen] = useState(false);
  const name = <bdi>{nameOf(rule)}</bdi>;
  if (!permits('listRequests')) return name;
  return (
    <>
      <button type="button" class="plain" aria-label={`${nameOf(rule)}: ${t('report.requests')}`} onClick={() => setOpen(true)}>
        {name}
      </button>
      {isOpen && <RuleRequests {...{ rule, span }} onClose={() => setOpen(false)} />}
    </>
  );
}
