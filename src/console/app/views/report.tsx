import type { JSX } from 'preact';
import type { AccessReport } from '../../../journal.js';
import { useConsole } from '../frame/console.js';
import { addMessages, t } from '../frame/messages.js';
import { countdown } from '../frame/time.js';
import type { ViewProps } from '../frame/types.js';
import { Button } from '../parts/button.js';
import { Empty } from '../parts/empty.js';
import { Page } from '../parts/page.js';
import { Problem, statusOf } from '../parts/problem.js';
import { Switch } from '../parts/switch.js';
import { history } from './history.messages.js';
import { PrintFoot } from './history/print-foot.js';
import { spanIn, toAddress, type Span } from './history/span.js';
import { SpanBar } from './history/span-bar.js';
import { useOpened, useWhileEmpty } from './history/use-opened.js';
import { report } from './report.messages.js';
import { hours, percent } from './report/figures.js';
import { rowsIn, TABLES, type RowsBy } from './report/rows.js';
import { useReport, type ReportRead } from './report/use-report.js';
import './history.css';
import './report.css';

addMessages(history);
addMessages(report);

/** The answer in one sentence, and the decisions behind it. */
function Answer({ value, span }: { readonly value: AccessReport; readonly span: Span }): JSX.Element {
  const { href } = useConsole();
  const { ratio = 0, heldMs, standingMs, use, decisions, extensions } = value;
  const decided = (['approved', 'denied', 'byPolicy', 'byPeople', 'byBreakGlass'] as const)
    .filter((name) => decisions[name] > 0)
    .map((name) => t(`report.${name}`, { count: decisions[name] }));
  const { decided: count, medianReviewWaitMs } = decisions;
  const { used, neverUsed, unknown } = use;
  return (
    <div>
      <p class="report-answer">
        {t('report.answer', {
          ...{ count: use.grants, held: hours(heldMs), standing: hours(standingMs), share: percent(ratio), used, neverUsed, unknown },
        })}{' '}
        <a class="screen-only" href={href('history', undefined, { all: 'true', from: toAddress(span.from), to: toAddress(span.to) })}>
          {t('report.openAll')}
        </a>
      </p>
      <p class="quiet">
        {[
          t('report.decided', { count }),
          ...decided,
          ...(medianReviewWaitMs === undefined ? [] : [t('report.medianReviewWait', { time: countdown(medianReviewWaitMs) })]),
          ...(extensions.given > 0 ? [t('report.extensions', { count: extensions.given })] : []),
        ].join('\u00a0· ')}
      </p>
    </div>
  );
}

/** What is shown in place of an answer. */
function Unanswered({ value, error, isLong = false, isStopped = false, again, stop }: ReportRead): JSX.Element | null {
  if (statusOf(error ?? {}) === 422) return <Empty text={t('report.tooLong')} />;
  if (error !== undefined) return <Problem error={error} again={again} />;
  if (value?.scopes.length === 0) return <Empty text={t('report.none')} />;
  if (value !== undefined) return null;
  return (
    <div class="reading quiet" role="status">
      <p>{t(isStopped ? 'report.stopped' : isLong ? 'report.reading' : 'frame.starting')}</p>
      {isStopped ? <Button onPress={again}>{t('history.again')}</Button> : isLong && <Button onPress={stop}>{t('history.stop')}</Button>}
    </div>
  );
}

/** How much access was open in a span, and how much of it was used. */
export function View({ route: { query } }: ViewProps): JSX.Element {
  const { href, navigate } = useConsole();
  const { opened, moveOn } = useOpened();
  const span = spanIn(query, opened);
  const recordsUse = query.get('recordsUse') === 'true';
  const by = rowsIn(query);
  const read = useReport(span, recordsUse);
  const { value } = read;
  useWhileEmpty(value?.scopes.length === 0, moveOn);
  const filters = (chosen: RowsBy, isRecorded: boolean) => ({
    ...(chosen !== 'scope' && { by: chosen }),
    ...(isRecorded && { recordsUse: 'true' }),
  });
  const change = (chosen: RowsBy, isRecorded: boolean) => {
    const address = { from: toAddress(span.from), to: toAddress(span.to), ...filters(chosen, isRecorded) };
    navigate(href('report', undefined, address), { replace: true });
  };
  const FigureTable = TABLES[by];
  return (
    <Page title={t('report.title')} lead={t('report.lead')}>
      <SpanBar view="report" query={filters(by, recordsUse)} span={span} />
      <label class="check records-use">
        <input type="checkbox" checked={recordsUse} onChange={({ currentTarget }) => change(by, currentTarget.checked)} />
        <span>
          {t('report.recordsUse')} <span class="hint">{t('report.recordsUseHint')}</span>
        </span>
      </label>
      <Unanswered {...read} />
      {value !== undefined && value.scopes.length > 0 && (
        <>
          <Answer value={value} span={span} />
          <Switch
            label={t('report.by')}
            choices={(Object.keys(TABLES) as RowsBy[]).map((name) => [name, t(`report.by.${name}`)])}
            value={by}
            onValue={(name) => change(name, recordsUse)}
          />
          {by === 'rule' && !recordsUse && <p class="quiet screen-only">{t('report.needsUse')}</p>}
          <FigureTable report={value} span={span} />
        </>
      )}
      <PrintFoot />
    </Page>
  );
}
