import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { RuleUse } from '../../../../journal.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { duration } from '../../frame/time.js';
import { useRead } from '../../frame/use-read.js';
import { Button } from '../../parts/button.js';
import { Dialog } from '../../parts/dialog.js';
import { Person } from '../../parts/person.js';
import { Problem } from '../../parts/problem.js';
import { Scopes } from '../../parts/scope.js';
import { Time } from '../../parts/time.js';
import type { Span } from '../history/span.js';

const nameOf = ({ approver, rule }: RuleUse): string => [approver, rule].filter(Boolean).join(' · ') || t('report.noRule');

/** The longest window of a rule, how far into it the last use was, and the window that would have been enough. */
function WindowPicture({
  rule: { longestTtlMs, longestUseMs = 0, proposedMaxTtlMs },
  scale,
}: {
  readonly rule: RuleUse;
  readonly scale: number;
}): JSX.Element {
  const at = (ms: number) => `${((96 * ms) / scale + 1).toFixed(3)}%`;
  const wide = (ms: number) => `${((96 * ms) / scale).toFixed(3)}%`;
  return (
    <svg class="window-picture" aria-hidden="true" focusable="false">
      <rect class="whole" x="1%" y="8" height="12" width={wide(longestTtlMs)} />
      <rect class="used" x="1%" y="8" height="12" width={wide(longestUseMs)} />
      <svg x="1%" overflow="visible">
        <path class="edge" d="M4 4H0V24H4" />
      </svg>
      <svg x={at(longestTtlMs)} overflow="visible">
        <path class={proposedMaxTtlMs === undefined ? 'edge' : 'edge former'} d="M0 4q6 10 0 20" />
      </svg>
      {proposedMaxTtlMs !== undefined && (
        <svg x={at(proposedMaxTtlMs)} overflow="visible">
          <path class="edge" d="M0 4q6 10 0 20" />
        </svg>
      )}
    </svg>
  );
}

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

export interface WindowsProps {
  readonly rules: readonly RuleUse[];
  readonly span: Span;
  readonly recordsUse: boolean;
}

/** Granted against used, by rule: the shorter windows that the recorded uses allow come first. */
export function Windows({ rules, span, recordsUse }: WindowsProps): JSX.Element {
  const { permits } = useConsole();
  const [opened, setOpened] = useState<RuleUse>();
  const sorted = [...rules].sort(
    (a, b) => Number(b.proposedMaxTtlMs !== undefined) - Number(a.proposedMaxTtlMs !== undefined) || b.longestTtlMs - a.longestTtlMs,
  );
  const scale = Math.max(1, ...rules.map(({ longestTtlMs }) => longestTtlMs));
  return (
    <>
      {!recordsUse && <p class="quiet screen-only">{t('report.needsUse')}</p>}
      <ul class="figure-rows">
        {sorted.map((rule) => (
          <li class="figure-row rule-row" key={nameOf(rule)}>
            <span class="figure-name">
              {permits('listRequests') ? (
                <button type="button" class="plain" aria-label={`${nameOf(rule)}: ${t('report.requests')}`} onClick={() => setOpened(rule)}>
                  <bdi>{nameOf(rule)}</bdi>
                </button>
              ) : (
                <bdi>{nameOf(rule)}</bdi>
              )}
            </span>
            <WindowPicture rule={rule} scale={scale} />
            <span class="figure-text">
              {rule.proposedMaxTtlMs !== undefined && (
                <strong class="suggested">{t('report.suggest', { time: duration(rule.proposedMaxTtlMs) })}</strong>
              )}
              {rule.proposedMaxTtlMs === undefined && recordsUse && <span class="suggested quiet">{t('report.enough')}</span>}
              {t('report.longest', { time: duration(rule.longestTtlMs) })}
              {' · '}
              {rule.longestUseMs === undefined ? t('report.noUse') : t('report.longestUse', { time: duration(rule.longestUseMs) })}
            </span>
          </li>
        ))}
      </ul>
      {opened && <RuleRequests rule={opened} span={span} onClose={() => setOpened(undefined)} />}
    </>
  );
}
