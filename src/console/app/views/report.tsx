import type { JSX } from 'preact';
import type { AccessReport } from '../../../journal.js';
import { useConsole } from '../frame/console.js';
import { addMessages, t } from '../frame/messages.js';
import { countdown } from '../frame/time.js';
import type { ViewProps } from '../frame/types.js';
import { useRead } from '../frame/use-read.js';
import { Empty } from '../parts/empty.js';
import { Page, Section } from '../parts/page.js';
import { Problem, statusOf } from '../parts/problem.js';
import { history } from './history.messages.js';
import { PrintFoot } from './history/print-foot.js';
import { spanIn, toAddress, type Span } from './history/span.js';
import { SpanBar } from './history/span-bar.js';
import { useOpened, useWhileEmpty } from './history/use-opened.js';
import { report } from './report.messages.js';
import { ByPerson, ByScope, Use } from './report/exposure.js';
import { hours, percent } from './report/figures.js';
import { Windows } from './report/windows.js';
import './history.css';
import './report.css';

addMessages(history);
addMessages(report);

/** The sums of the span. Each that counts grants opens them. */
function Sums({ value, span }: { readonly value: AccessReport; readonly span: Span }): JSX.Element {
  const { href } = useConsole();
  const all = href('history', undefined, { all: 'true', from: toAddress(span.from), to: toAddress(span.to) });
  const { ratio = 0, heldMs, standingMs, use, decisions } = value;
  const decided = (['approved', 'denied', 'byPolicy', 'byPeople', 'byBreakGlass'] as const)
    .filter((name) => decisions[name] > 0)
    .map((name) => t(`report.${name}`, { count: decisions[name] }));
  const given = value.extensions.given;
  return (
    <div class="sums">
      <a class="sum main" href={all} title={t('report.openAll')}>
        <strong>{percent(ratio)}</strong>
        <span>{t('report.share')}</span>
      </a>
      <a class="sum" href={all} title={t('report.openAll')}>
        <strong>{hours(heldMs)}</strong>
        <span>{t('report.held')}</span>
      </a>
      <div class="sum">
        <strong>{hours(standingMs)}</strong>
        <span>{t('report.standing')}</span>
      </div>
      <a class="sum" href={all} title={t('report.openAll')}>
        <strong>{new Intl.NumberFormat().format(use.grants)}</strong>
        <span>{t('report.grants', { count: use.grants })}</span>
      </a>
      {decisions.medianReviewWaitMs !== undefined && (
        <div class="sum">
          <strong>{countdown(decisions.medianReviewWaitMs)}</strong>
          <span>{t('report.medianReviewWait')}</span>
        </div>
      )}
      <p class="decided quiet">
        {[
          t('report.decided', { count: decisions.decided }),
          ...decided,
          ...(given > 0 ? [t('report.extensions', { count: given })] : []),
        ].join('\u00a0· ')}
      </p>
    </div>
  );
}

/** How much access was open in a span, and how much of it was used. */
export function View({ route: { query } }: ViewProps): JSX.Element {
  const { client, href, navigate } = useConsole();
  const { opened, moveOn } = useOpened();
  const span = spanIn(query, opened);
  const recordsUse = query.get('recordsUse') === 'true';
  const { value, error, isLoading, again } = useRead(
    (signal) => client.accessReport({ ...span, recordsUse }, { signal, people: true }),
    [span.from, span.to, recordsUse],
    // A report replays the journal: it is read when it is asked for, not after each change.
    () => false,
  );
  const isEmpty = value?.scopes.length === 0;
  useWhileEmpty(isEmpty, moveOn);
  const toggle = (checked: boolean) => {
    const filters = { from: toAddress(span.from), to: toAddress(span.to), ...(checked && { recordsUse: 'true' }) };
    navigate(href('report', undefined, filters), { replace: true });
  };
  return (
    <Page title={t('report.title')} lead={t('report.lead')}>
      <SpanBar view="report" query={recordsUse ? { recordsUse: 'true' } : {}} span={span} />
      <label class="check records-use">
        <input type="checkbox" checked={recordsUse} onChange={({ currentTarget }) => toggle(currentTarget.checked)} />
        <span>
          {t('report.recordsUse')} <span class="hint">{t('report.recordsUseHint')}</span>
        </span>
      </label>
      {error !== undefined && (statusOf(error) === 422 ? <Empty text={t('report.tooLong')} /> : <Problem error={error} again={again} />)}
      {value === undefined && isLoading && <p class="quiet loading">{t('frame.starting')}</p>}
      {isEmpty && <Empty text={t('report.none')} />}
      {value !== undefined && value.scopes.length > 0 && (
        <>
          <Sums value={value} span={span} />
          <div class="exposure">
            <Section title={t('report.byScope')}>
              <ByScope scopes={value.scopes} span={span} />
            </Section>
            <Section title={t('report.byPerson')}>
              <ByPerson subjects={value.subjects} span={span} />
            </Section>
          </div>
          <Section title={t('report.use')}>
            <p class="quiet">{t('report.useHint')}</p>
            <Use scopes={value.scopes} span={span} />
          </Section>
          <Section title={t('report.windows')}>
            <p class="quiet">{t('report.windowsHint')}</p>
            <Windows rules={value.rules} span={span} recordsUse={recordsUse} />
          </Section>
        </>
      )}
      <PrintFoot />
    </Page>
  );
}
