import type { ComponentChildren, JSX } from 'preact';
import type { AccessReport, RuleUse, ScopeReport, SubjectReport } from '../../../../journal.js';
import { useConsole } from '../../frame/console.js';
import { language, t } from '../../frame/messages.js';
import type { Query } from '../../frame/router.js';
import { duration } from '../../frame/time.js';
import { Person } from '../../parts/person.js';
import { Scope } from '../../parts/scope.js';
import { toAddress, type Span } from '../history/span.js';
import { hours, percent } from './figures.js';
import { nameOf, RuleName } from './rule-name.js';
import { Table, type Column } from './table.js';

interface Amount {
  readonly heldMs: number;
  readonly ratio: number;
}

/** The amount of access, with a bar that compares the rows, and its share of standing access. */
function amountsOf(rows: readonly Amount[]): readonly Column<Amount>[] {
  const most = rows.reduce((largest, { heldMs }) => Math.max(largest, heldMs), 1);
  const amount = ({ heldMs }: Amount) => (
    <>
      {hours(heldMs)}
      <svg class="meter" aria-hidden="true" focusable="false">
        <rect width={`${((100 * heldMs) / most).toFixed(2)}%`} height="100%" rx="2" />
      </svg>
    </>
  );
  return [
    { label: t('report.held'), value: ({ heldMs }) => heldMs, shows: amount },
    { label: t('report.share'), value: ({ ratio }) => ratio, shows: ({ ratio }) => percent(ratio) },
  ];
}

function counts<Name extends 'subjects' | 'scopes' | 'grants' | 'used' | 'neverUsed' | 'unknown'>(
  ...names: readonly Name[]
): readonly Column<Readonly<Record<Name, number>>>[] {
  const format = new Intl.NumberFormat(language.value.lang);
  return names.map((name) => ({ label: t(`report.${name}`), value: (row) => row[name], shows: (row) => format.format(row[name]) }));
}

const lengths = <Name extends 'longestTtlMs' | 'longestUseMs' | 'proposedMaxTtlMs'>(
  ...names: readonly Name[]
): readonly Column<Readonly<Record<Name, number | undefined>>>[] =>
  names.map((name) => ({
    label: t(`report.${name}`),
    value: (row) => row[name],
    shows: (row) => (row[name] === undefined ? undefined : duration(row[name])),
  }));

/** Opens the grants behind a row. */
function Behind({
  query,
  span,
  children,
}: {
  readonly query: Query;
  readonly span: Span;
  readonly children: ComponentChildren;
}): JSX.Element {
  const { href } = useConsole();
  const to = href('history', undefined, { ...query, from: toAddress(span.from), to: toAddress(span.to) });
  return (
    <a href={to} title={t('report.open')}>
      {children}
    </a>
  );
}

interface TableProps {
  readonly report: AccessReport;
  readonly span: Span;
}

function ByScope({ report: { scopes }, span }: TableProps): JSX.Element {
  const columns: readonly Column<ScopeReport>[] = [
    {
      label: t('report.scope'),
      value: ({ scope }) => scope,
      shows: ({ scope }) => (
        <Behind query={{ scope }} span={span}>
          <Scope scope={scope} />
        </Behind>
      ),
    },
    ...amountsOf(scopes),
    ...counts('subjects', 'grants', 'used', 'neverUsed', 'unknown'),
  ];
  return <Table label={t('report.by.scope')} rows={scopes} keyOf={({ scope }) => scope} columns={columns} first={1} />;
}

function ByPerson({ report: { subjects }, span }: TableProps): JSX.Element {
  const people = useConsole().people.value;
  const columns: readonly Column<SubjectReport>[] = [
    {
      label: t('report.person'),
      value: ({ subject }) => people.get(subject)?.name ?? subject,
      shows: ({ subject }) => (
        <Behind query={{ person: subject }} span={span}>
          <Person id={subject} short />
        </Behind>
      ),
    },
    ...amountsOf(subjects),
    ...counts('scopes', 'grants', 'used', 'neverUsed', 'unknown'),
  ];
  return <Table label={t('report.by.person')} rows={subjects} keyOf={({ subject }) => subject} columns={columns} first={1} />;
}

function ByRule({ report: { rules }, span }: TableProps): JSX.Element {
  const columns: readonly Column<RuleUse>[] = [
    { label: t('report.rule'), value: nameOf, shows: (rule) => <RuleName {...{ rule, span }} /> },
    ...lengths('longestTtlMs', 'longestUseMs', 'proposedMaxTtlMs'),
    ...counts('grants', 'used', 'neverUsed', 'unknown'),
  ];
  return <Table label={t('report.by.rule')} rows={rules} keyOf={nameOf} columns={columns} first={3} />;
}

/** The tables of the view, by the name of their rows in the address. */
export const TABLES = { scope: ByScope, person: ByPerson, rule: ByRule } as const;
export type RowsBy = keyof typeof TABLES;

export const rowsIn = (query: URLSearchParams): RowsBy => {
  const by = query.get('by') ?? '';
  return Object.hasOwn(TABLES, by) ? (by as RowsBy) : 'scope';
};
