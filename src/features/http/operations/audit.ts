import * as z from 'zod/mini';
import { stats as statsOf } from '../../explain/stats.js';
import { journalHead as headOf } from '../../../engine/journal-head.js';
import type { HolderQuery } from '../../../engine/lists/lookups.js';
import { operation } from '../operation.js';
import { idOf } from '../identity.js';
import { forbidden } from '../permission.js';
import { listed, patternsInQuery, renamed, type Selecting } from './grants.js';
import { readPage, readPart, reportOf, verifyPart } from '../journal-parts.js';
import * as answers from '../schemas/answers.js';
import * as audited from '../schemas/audit-answers.js';
import { documents, flag, id, instantInQuery, optional, paging, scope, wholeNumber } from '../schemas/values.js';

/* Who had access, to what, and when; and whether the journal is whole. Only if `may` permits it. */

const area = 'emergencies and audit';

export const whoHadAccess = operation({
  id: 'whoHadAccess',
  method: 'GET',
  path: '/holders',
  area,
  summary: 'The grants that covered a scope at an instant; without `at`, those that allow it now.',
  access: 'may',
  query: () =>
    z.strictObject({
      ...paging(),
      scope: optional(scope(), 'Either this or `pattern`.'),
      pattern: patternsInQuery('Needs the right for every scope.'),
      at: optional(instantInQuery(), 'Epoch milliseconds. Default: now.'),
    }),
  answer: answers.grantPage,
  example: { query: { scope: 'db-prod:write' } },
  async run(call) {
    if (!(await call.may('whoHadAccess', { scopes: scopesOf(call.query) }))) throw forbidden();
    return listed(call, () => call.engine.whoHadAccess(call.query as HolderQuery));
  },
});

/** Hooks are written for scopes that a call names, so `may` is asked about a pattern without any: about everything. */
const scopesOf = ({ scope: one }: Selecting) => (one === undefined ? undefined : [one]);

const span = () => ({
  from: instantInQuery().register(documents, { description: 'The start of the span. Epoch milliseconds.' }),
  to: instantInQuery().register(documents, { description: 'The end of the span, exclusive. Epoch milliseconds.' }),
});

/** The names that the arguments of the engine have in this query. */
const NAMES = { covering: 'scope', overlapping: 'pattern', 'during.from': 'from', 'during.to': 'to' };

export const history = operation({
  id: 'history',
  method: 'GET',
  path: '/history',
  area,
  summary: 'The grants that were held at some time of a span.',
  access: 'may',
  query: () =>
    z.strictObject({
      ...paging(),
      ...span(),
      subject: z.optional(id()),
      scope: z.optional(scope()),
      pattern: patternsInQuery('Needs the right for every scope.'),
    }),
  answer: answers.grantPage,
  example: { query: { from: '{from}', to: '{to}' } },
  async run(call) {
    const { scope: covering, pattern: overlapping, from, to, ...rest } = call.query;
    const subject = idOf(call, 'subject', call.query.subject);
    if (!(await call.may('history', { subject, scopes: scopesOf(call.query) }))) throw forbidden();
    return renamed(NAMES, () =>
      listed(call, () => call.engine.listGrants({ ...rest, subject, covering, overlapping, during: { from, to } })),
    );
  },
});

/** The longest span of one call. */
const MAX_SPAN_MS = 31 * 86_400_000;

export const accessReport = operation({
  id: 'accessReport',
  method: 'GET',
  path: '/access-report',
  area,
  summary:
    'The access of a span, compared with standing access and with its use. A call covers 31 days; `next` is the `from` of the next one.',
  access: 'may',
  query: () => z.strictObject({ ...span(), recordsUse: optional(flag(), 'Whether every process that checks has recorded use.') }),
  answer: audited.report,
  example: { query: { from: '{from}', to: '{to}' } },
  async run(call) {
    if (!(await call.may('accessReport', {}))) throw forbidden();
    const { from, to } = call.query;
    const end = Math.min(to, from + MAX_SPAN_MS);
    const report = await reportOf(call.kernel, { ...call.query, to: end });
    return { body: { ...report, next: end < to ? end : undefined } };
  },
});

export const stats = operation({
  id: 'stats',
  method: 'GET',
  path: '/stats',
  area,
  summary: 'How much waits: pending requests and reviews, ends that no sweep has recorded, open locks, and sinks that are behind.',
  access: 'may',
  answer: audited.stats,
  async run(call) {
    if (!(await call.may('viewStats', {}))) throw forbidden();
    const counted = await statsOf(call.engine);
    const { at: _, ...tagged } = counted;
    return { body: counted, tagged };
  },
});

export const journal = operation({
  id: 'journal',
  method: 'GET',
  path: '/journal',
  area,
  summary: 'Entries of the journal, the oldest first, with its head.',
  access: 'may',
  query: () =>
    z.strictObject({
      ...paging(),
      after: optional(
        wholeNumber('the number of an entry'),
        'The `next` of the page before, or the number of an entry. Default: the start.',
      ),
    }),
  answer: audited.journalPage,
  async run(call) {
    if (!(await call.may('readJournal', {}))) throw forbidden();
    return { body: await readPage(call.kernel, call.query) };
  },
});

export const journalHead = operation({
  id: 'journalHead',
  method: 'GET',
  path: '/journal/head',
  area,
  summary: 'The newest anchor of the journal. Keep it: with it, a verification also finds a cut.',
  access: 'may',
  answer: audited.anchor,
  async run(call) {
    if (!(await call.may('journalHead', {}))) throw forbidden();
    return { body: await headOf(call.engine) };
  },
});

export const verifyJournal = operation({
  id: 'verifyJournal',
  method: 'GET',
  path: '/journal/verification',
  area,
  summary: 'Verifies up to 100,000 entries of the journal. `next` continues.',
  access: 'may',
  query: () =>
    z.strictObject({
      after: optional(z.string().check(z.maxLength(100)), 'The `next` of the call before, or an anchor of your own: `<seq>.<hash>`.'),
    }),
  answer: audited.verification,
  async run(call) {
    if (!(await call.may('verifyJournal', {}))) throw forbidden();
    return { body: await verifyPart(call.kernel, readPart('after', call.query.after)) };
  },
});
