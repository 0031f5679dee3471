import type { ComponentChildren, JSX } from 'preact';
import type { ScopeReport, SubjectReport } from '../../../../journal.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import type { Query } from '../../frame/router.js';
import { Person } from '../../parts/person.js';
import { Scope } from '../../parts/scope.js';
import { toAddress, type Span } from '../history/span.js';
import { hours, largestFirst, percent, stacked } from './figures.js';

/** A line of a table: a name, a picture, and its numbers in words. It opens the grants behind them. */
function Line(props: {
  readonly name: ComponentChildren;
  readonly picture: ComponentChildren;
  readonly text: string;
  readonly label: string;
  readonly href: string;
}): JSX.Element {
  const { name, picture, text, label, href } = props;
  return (
    <li class="figure-row">
      <a href={href} title={label}>
        <span class="figure-name">{name}</span>
        {picture}
        <span class="figure-text">{text}</span>
      </a>
    </li>
  );
}

function Meter({ share }: { readonly share: number }): JSX.Element {
  return (
    <svg class="meter" aria-hidden="true" focusable="false">
      <rect class="track" width="100%" height="100%" rx="3" />
      <rect class="amount" width={`${(100 * share).toFixed(3)}%`} height="100%" rx="3" />
    </svg>
  );
}

const useBehind = (span: Span) => {
  const { href } = useConsole();
  return (query: Query) => href('history', undefined, { ...query, from: toAddress(span.from), to: toAddress(span.to) });
};

/** The scopes by the time for which they were held. The longest bar is the largest exposure. */
export function ByScope({ scopes, span }: { readonly scopes: readonly ScopeReport[]; readonly span: Span }): JSX.Element {
  const behind = useBehind(span);
  const sorted = largestFirst(scopes);
  const most = sorted[0]?.heldMs ?? 1;
  return (
    <ul class="figure-rows">
      {sorted.map(({ scope, heldMs, ratio, subjects, grants }) => (
        <Line
          key={scope}
          name={<Scope scope={scope} />}
          picture={<Meter share={heldMs / most} />}
          text={t('report.scopeLine', {
            held: hours(heldMs),
            share: percent(ratio),
            people: t('report.people', { count: subjects }),
            grants: t('report.grantCount', { count: grants }),
          })}
          label={t('report.open', { name: scope })}
          href={behind({ scope })}
        />
      ))}
    </ul>
  );
}

/** The people by the time for which they held access. */
export function ByPerson({ subjects, span }: { readonly subjects: readonly SubjectReport[]; readonly span: Span }): JSX.Element {
  const behind = useBehind(span);
  const { people } = useConsole();
  const sorted = largestFirst(subjects);
  const most = sorted[0]?.heldMs ?? 1;
  return (
    <ul class="figure-rows">
      {sorted.map(({ subject, heldMs, ratio, scopes, grants }) => (
        <Line
          key={subject}
          name={<Person id={subject} short />}
          picture={<Meter share={heldMs / most} />}
          text={t('report.personLine', {
            held: hours(heldMs),
            share: percent(ratio),
            scopes: t('report.scopes', { count: scopes }),
            grants: t('report.grantCount', { count: grants }),
          })}
          label={t('report.open', { name: people.value.get(subject)?.name ?? subject })}
          href={behind({ person: subject })}
        />
      ))}
    </ul>
  );
}

/** Of each scope: how many of its grants were used. */
export function Use({ scopes, span }: { readonly scopes: readonly ScopeReport[]; readonly span: Span }): JSX.Element {
  const behind = useBehind(span);
  const sorted = [...scopes].sort((a, b) => b.grants - a.grants);
  const most = sorted[0]?.grants ?? 1;
  return (
    <ul class="figure-rows">
      {sorted.map(({ scope, grants, used, neverUsed, unknown }) => {
        const parts = [
          ['used', used],
          ['neverUsed', neverUsed],
          ['unknown', unknown],
        ] as const;
        const bars = stacked(parts.map(([, count]) => count));
        return (
          <Line
            key={scope}
            name={<Scope scope={scope} />}
            picture={
              <svg class="meter" aria-hidden="true" focusable="false">
                <rect class="track" width="100%" height="100%" rx="3" />
                <svg width={`${((100 * grants) / most).toFixed(3)}%`} height="100%">
                  {parts.map(([name], i) => (
                    <rect key={name} class={name} x={`${bars[i]?.x ?? 0}%`} width={`${bars[i]?.width ?? 0}%`} height="100%" />
                  ))}
                </svg>
              </svg>
            }
            text={parts
              .filter(([, count]) => count > 0)
              .map(([name, count]) => t(`report.${name}`, { count }))
              .join('\u00a0· ')}
            label={t('report.open', { name: scope })}
            href={behind({ scope })}
          />
        );
      })}
    </ul>
  );
}
