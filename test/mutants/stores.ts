import type { Kind } from '../stores/durable/place.js';
import type { Seeded } from './seeded.js';

/** A bug in a store, and the test that must find it. */
export interface StoreBug extends Seeded {
  readonly caughtBy: Catcher;
}

/** A case of a test file, by a part of its title; a part of a proof of `npm run prove`; or a race, with a maximum of tries. */
export type Catcher =
  | { readonly test: string; readonly title: string }
  | { readonly proof: string; readonly scale: number }
  | { readonly race: Kind; readonly tries: number };

const [MEMORY, SQLITE, POSTGRES, REDIS] = ['memory', 'sql-sqlite', 'sql-postgres', 'redis'].map((name) => (title: string) => ({
  test: `test/contract/${name}.test.ts`,
  title,
})) as [ByTitle, ByTitle, ByTitle, ByTitle];
type ByTitle = (title: string) => Catcher;

/** Bugs as a developer might write them into a store. The named case of the suite, or a crash, must find each. */
export const STORE_BUGS: readonly StoreBug[] = [
  // ---- What is lent to agents ----
  {
    name: 'agents: an agent holds the access of its run',
    file: 'guards/ai/lender.ts',
    from: 'const subject = of === undefined ? agent : this.#engine.runSubject(of);',
    to: 'const subject = agent;',
    also: {
      file: 'guards/ai/lender.ts',
      from: 'const who = of === undefined ? { subject } : { run: of };',
      to: 'const who = { subject };',
    },
    caughtBy: { test: 'test/guards/ai/runs.test.ts', title: 'use no access that one operator approved in the run of another operator' },
  },
  {
    name: 'agents: a run is identified only by its agent and operator',
    file: 'lifecycle/run.ts',
    from: 'digestOf([agent, operator ?? null, job ?? null])',
    to: 'digestOf([agent, operator ?? null])',
    caughtBy: { test: 'test/guards/ai/runs.test.ts', title: 'use no access of one job in another job of the same operator' },
  },
  {
    name: 'agents: the run with the last use is not watched',
    file: 'features/work/functions.ts',
    from: 'return await kernel.part(Work).withAccess(id, scope, work, read, use?.grantId);',
    to: 'if (use !== undefined) return await work(new AbortController().signal, undefined as never);\n      return await kernel.part(Work).withAccess(id, scope, work, read);',
    caughtBy: { test: 'test/guards/ai/last-use.test.ts', title: 'is stopped by a revoke (L12), of ' },
  },
  // ---- Reminders of reviewers ----
  {
    name: 'reminders: a late sweep is followed by a reminder for each missed interval (feature 11)',
    file: 'records/quorum.ts',
    from: '(Math.floor((remindedAt - assignedAt) / everyMs) + 1) * everyMs',
    to: '(reminders + 1) * everyMs',
    caughtBy: {
      test: 'test/engine/reminders.test.ts',
      title: 'records one reminder for all missed intervals, and the next one at the next multiple',
    },
  },
  // ---- Refusals that a form can show ----
  // ---- What may be asked for ----
  {
    name: 'requestable: a rule that an earlier rule decides for is listed',
    file: 'approvers/policy/requestable.ts',
    from: 'if (first !== rule) return;',
    to: 'if (first === undefined) return;',
    caughtBy: {
      test: 'test/approvers/policy/requestable.test.ts',
      title: 'omits what an earlier rule decides, and excludes what an earlier rule refuses this requester',
    },
  },
  {
    name: 'requestable: what an earlier rule refuses this requester is not excluded',
    file: 'approvers/policy/requestable.ts',
    from: 'if (this.#of(earlier)?.accepts === false) this.#addParts(except, earlier, scope);',
    to: 'if (this.#of(earlier) === undefined) this.#addParts(except, earlier, scope);',
    caughtBy: { test: 'test/approvers/policy/requestable.test.ts', title: 'agrees with the decision about every ask' },
  },
  {
    name: 'requestable: a later member of a chain offers what an earlier one denies',
    file: 'approvers/chain-requestable.ts',
    from: 'if (denied.some((one) => covers(one, scope))) continue;',
    to: 'if (denied.some((one) => covers(scope, one))) continue;',
    caughtBy: { test: 'test/approvers/chain-requestable.test.ts', title: 'omits what an earlier member denies' },
  },
  {
    name: 'requestable: the longest window of a rule exceeds the limit of the engine',
    file: 'features/explain/requestable.ts',
    from: 'maxTtlMs: Math.min(maxTtlMs, limits.maxTtlMs, limits.maxTotalMs),',
    to: 'maxTtlMs: maxTtlMs === Infinity ? limits.maxTtlMs : maxTtlMs,',
    caughtBy: { test: 'test/features/explain/requestable.test.ts', title: 'L3 bounds the window by the limits' },
  },
  {
    name: 'requestable: a locked requester is offered access',
    file: 'features/explain/requestable.ts',
    from: 'ids: [subject, requestedBy, operator]',
    to: 'ids: [subject]',
    caughtBy: { test: 'test/features/explain/requestable.test.ts', title: 'says what is locked' },
  },
  {
    name: 'stats: a read that reached its bound counts as complete',
    file: 'features/explain/stats.ts',
    from: 'next !== undefined;',
    to: 'next === null;',
    caughtBy: { test: 'test/features/explain/stats.test.ts', title: 'L42 says "at least" where a read reaches 1,000 rows' },
  },
  {
    name: 'requirements: the limits of the engine are omitted where the rules have problems',
    file: 'lifecycle/requirements.ts',
    from: 'return requirementsError(request, beyondLimits(request, limits), problems, [text]);',
    to: 'return requirementsError(request, beyondLimits(request, limits).slice(0, 0), problems, [text]);',
    caughtBy: { test: 'test/engine/requirements.test.ts', title: 'lists all problems at once' },
  },
  {
    name: 'requirements: a request beyond the limits opens where the approver agrees',
    file: 'lifecycle/requirements.ts',
    from: 'if (own.length > 0) throw',
    to: 'if (own.length > 2) throw',
    caughtBy: { test: 'test/engine/time.test.ts', title: 'L3 refuses a window above the limit and never cuts it' },
  },
  {
    name: 'requirements: values are listed where a right is missing',
    file: 'approvers/policy/conditions.ts',
    from: 'if (right !== undefined) return { reason: right };',
    to: '',
    caughtBy: { test: 'test/engine/requirements.test.ts', title: 'is about rights alone where a right is missing' },
  },
  // ---- Requested ends ----
  {
    name: 'until: a repeat returns a request with a later end',
    file: 'lifecycle/subject.ts',
    from: 'request.until <= (asked.until as number)',
    to: 'request.until >= (asked.until as number)',
    caughtBy: { test: 'test/engine/until.test.ts', title: 'repeats an open request with an end that is not later' },
  },
  {
    name: 'until: an extension that is decided late passes its requested end',
    file: 'lifecycle/window.ts',
    from: 'return Math.min(until, extension.until,',
    to: 'return Math.min(extension.until,',
    caughtBy: { test: 'test/lifecycle/window.test.ts', title: 'L4 with a requested end, the window' },
  },
  {
    name: 'until: an extension beyond the hours of its rule is cut',
    file: 'lifecycle/grant.ts',
    from: 'return until > endBy ?',
    to: 'return until < 0 ?',
    caughtBy: { test: 'test/lifecycle/rules.test.ts', title: 'L3 refuses a requested end beyond its rule, and never cuts it' },
  },
  {
    name: 'until: a narrowed window passes the requested end',
    file: 'lifecycle/window.ts',
    from: '(asked ?? at) + ttlMs, until, terms',
    to: '(asked ?? at) + ttlMs, ttlMs < request.ttlMs ? Infinity : until, terms',
    caughtBy: { test: 'test/lifecycle/window.test.ts', title: 'L18 a narrowed window with a requested end has' },
  },

  // ---- Hours, dates and metadata in rules ----
  {
    name: 'calendar: a late decision gives the whole window',
    file: 'lifecycle/window.ts',
    from: '(asked ?? at) + ttlMs, until, terms?.endBy ?? Infinity)',
    to: '(asked ?? at) + ttlMs, until)',
    caughtBy: { test: 'test/approvers/policy/calendar.test.ts', title: 'A6 gives a late decision the time up to the end of the hours' },
  },
  {
    name: 'calendar: the begin of a freeze bounds no window',
    file: 'approvers/policy/times.ts',
    from: 'if (at < Infinity && (await isFor(rule, question)))',
    to: 'if (at < 0 && (await isFor(rule, question)))',
    caughtBy: { test: 'test/approvers/policy/calendar.test.ts', title: 'or until a deny rule begins to hold' },
  },
  {
    name: 'calendar: a scheduled request is judged at the hour of the review',
    file: 'approvers/policy/question.ts',
    from: 'Math.max(now, request.startsAt ?? 0, request.extension?.from ?? 0)',
    to: 'now',
    caughtBy: { test: 'test/approvers/policy/calendar.test.ts', title: 'A6 judges the approval of a scheduled request at its start' },
  },
  {
    name: 'calendar: a change of the clock within a span is not noticed',
    file: 'approvers/calendar/hours.ts',
    from: 'return zone.changeWithin(instant, next) ?? next;',
    to: 'return next;',
    caughtBy: { test: 'test/approvers/calendar/hours.test.ts', title: 'is right at a change of the clock: ' },
  },
  {
    name: 'metadata: a field of Object.prototype counts',
    file: 'approvers/policy/fields.ts',
    from: 'metadata !== undefined && Object.hasOwn(metadata, field.name) ? metadata[field.name] : undefined',
    to: "(metadata?.[field.name] as unknown) !== undefined ? 'x' : undefined",
    caughtBy: { test: 'test/approvers/policy/fields.test.ts', title: 'reads no field of Object.prototype' },
  },
  // ---- Scopes from existing systems ----
  {
    name: 'encodeScope: a tilde stays',
    file: 'core/encode-scope.ts',
    from: 'part.replace(/[^\\w.@/+=-]/gu,',
    to: 'part.replace(/[^\\w.~@/+=-]/gu,',
    caughtBy: { test: 'test/property/encode-scope.test.ts', title: 'L24 are injective: two lists of parts never have one scope' },
  },
  {
    name: 'decodeScope: accepts more than one text for a list of parts',
    file: 'core/encode-scope.ts',
    from: ' || encodeScope(...(parts as string[])) !== scope',
    to: '',
    caughtBy: { test: 'test/property/encode-scope.test.ts', title: 'L24 have one text for each list of parts' },
  },
  {
    name: 'revokeAll: a scope that overlaps nothing counts as matched',
    file: 'engine/target-match.ts',
    from: 'this.#matched ||= isMatch;',
    to: 'this.#matched = true;',
    caughtBy: { test: 'test/engine/revoke-all-match.test.ts', title: 'says where a scope overlaps nothing' },
  },
  // ---- A store that went back ----
  {
    name: 'rollback: a change that creates access is still committed',
    file: 'kernel/rollback.ts',
    from: '      if (creates) throw error;\n',
    to: '',
    caughtBy: {
      test: 'test/kernel/rollback.test.ts',
      title: 'gives no access either when the journal has grown past the entry that the engine has seen',
    },
  },
  {
    name: 'rollback: the acceptance of an earlier rollback accepts this one',
    file: 'kernel/rollback.ts',
    from: 'this.#spent?.has(id) === false',
    to: 'this.#spent !== undefined',
    caughtBy: { test: 'test/kernel/rollback.test.ts', title: 'of an earlier rollback does not accept a later one' },
  },
  {
    name: 'rollback: an acceptance from before the engine saw the lost entries counts',
    file: 'kernel/rollback.ts',
    from: 'at >= this.#knownAt && ',
    to: '',
    caughtBy: { test: 'test/kernel/rollback.test.ts', title: 'of a rollback that an engine has not seen does not accept a later one' },
  },
  // ---- In memory ----
  {
    name: 'memory: a version is not compared',
    file: 'stores/memory/store.ts',
    from: "if (expect.some((key) => (this.get(key)?.version ?? 0) !== key.version)) return 'conflict';",
    to: "if (expect.some((key) => (this.get(key)?.version ?? 0) < 0)) return 'conflict';",
    caughtBy: MEMORY('lets exactly one of 64 concurrent changes win that expect the same version'),
  },
  {
    name: 'memory: a fork of the journal is not noticed',
    file: 'journal/link.ts',
    from: 'return knows.seq > journal.head.seq || hashAt(knows.seq) !== knows.hash;',
    to: 'return knows.seq > journal.head.seq;',
    caughtBy: MEMORY('answers behind where the journal has another hash there, and applies nothing'),
  },
  {
    name: 'memory: a repeated change is applied again',
    file: 'stores/memory/store.ts',
    from: "if (this.#changes.has(change.id)) return 'committed';",
    to: '',
    caughtBy: MEMORY('answers committed even when its records have changed since, and leaves them as they are'),
  },
  {
    name: 'memory: answers are cached, longer with each call',
    file: 'stores/memory/store.ts',
    from: '  live(query: LiveQuery): readonly Row[] {\n',
    to: `  readonly #kept = new Map<string, { readonly rows: readonly Row[]; until: number }>();
  live(query: LiveQuery): readonly Row[] {
    const key = JSON.stringify([query.subject, query.scope]);
    const kept = this.#kept.get(key);
    if (kept !== undefined && query.at < kept.until) {
      kept.until = query.at + 1_000;
      return kept.rows;
    }
    this.#kept.set(key, { rows: this.#space.live.find(query.subject, query.scope, query.at), until: query.at + 1_000 });
`,
    caughtBy: MEMORY('gives open rows only, and one that was closed or removed not again'),
  },
  {
    name: 'memory: `<` for `<=` in due()',
    file: 'stores/memory/store.ts',
    from: '(row) => (row.dueAt as number) > at }',
    to: '(row) => (row.dueAt as number) >= at }',
    caughtBy: MEMORY('gives a row from its dueAt on: not at -1 ms, at 0 and at +1 ms'),
  },
  {
    name: 'memory: a row with an open end never ends',
    file: 'stores/memory/kind-rows.ts',
    from: 'row.from !== undefined && row.until !== undefined && row.from < row.until && row.from < until && from < row.until;',
    to: 'row.from !== undefined && row.from < until && from < (row.until ?? Infinity);',
    caughtBy: MEMORY('gives for a window no row that lacks an end of its own, and none whose own is empty'),
  },
  {
    name: 'memory: the limit of a page is ignored',
    file: 'stores/memory/ordered-rows.ts',
    from: 'if (rows.length === limit) return { rows, next: rows.at(-1) };',
    to: '',
    caughtBy: MEMORY('gives every row exactly once, regardless of the length of a page'),
  },
  // ---- SQL ----
  {
    name: 'SQL: a record that is only read is not compared',
    file: 'stores/sql/batch.ts',
    from: 'if (expect.some(({ key, version }) => (',
    to: 'if (expect.some(({ key, version }) => put.some((row) => row.key === key) && (',
    caughtBy: SQLITE('refuses a change when a record that it only read has changed'),
  },
  {
    name: 'SQL: a repeated change is not recognised',
    file: 'stores/sql/batch.ts',
    from: "if (this.#applied.has(id)) return 'known';",
    to: '',
    caughtBy: SQLITE('answers committed again, with one effect'),
  },
  {
    name: 'SQL: keys are written as JSON without escapes',
    file: 'stores/sql/batch.ts',
    from: '=> JSON.stringify([toColumn(kind), toColumn(id)]);',
    to: '=> `["${toColumn(kind)}","${toColumn(id)}"]`;',
    caughtBy: SQLITE('keeps a row under each of many hostile ids, and gives each its own'),
  },
  {
    name: 'SQL: entries are linked from the last to the first',
    file: 'stores/sql/batch.ts',
    from: 'const linked = link(this.#head, append);',
    to: 'const linked = link(this.#head, append.toReversed());',
    caughtBy: SQLITE('numbers entries 1, 2, 3 in the order of commits and, in a change, of its entries'),
  },
  {
    name: 'SQL: changes of one batch are linked to one head',
    file: 'stores/sql/batch.ts',
    from: '    this.#head = { seq: head.seq, hash: head.hash };\n',
    to: '    if (this.#entries.length < 2) this.#head = { seq: head.seq, hash: head.hash };\n',
    caughtBy: SQLITE('has no gap, no double and no broken link after 64 concurrent changes, and keeps the entries of a change together'),
  },
  {
    name: 'SQL: the head is read without lock',
    file: 'stores/sql/statements.ts',
    from: 'limit 1 for update${wait}) as h`',
    to: 'limit 1) as h`',
    caughtBy: { race: 'postgres', tries: 50 },
  },
  {
    name: 'SQL: rows from before the lock wait are reused',
    file: 'stores/sql/commit-transaction.ts',
    from: 'if (lines.some(isStale)) continue;',
    to: '',
    caughtBy: { race: 'postgres', tries: 50 },
  },
  {
    name: 'SQL: committed is returned before COMMIT',
    file: 'stores/sql/session.ts',
    from: '    const result = await work(ask);\n',
    to: '    const result = await work(ask);\n    resolve(result);\n',
    caughtBy: { test: 'test/stores/durable/crashed.test.ts', title: 'L31 has each change once when its reply was lost' },
  },
  {
    name: 'SQL: an entry is inserted outside of the transaction of its row',
    file: 'stores/sql/commit-transaction.ts',
    from: 'of statements.write(written)) await ask(statement, values);',
    to: `of statements.write(written)) {
        if (statement.name === 'append') await ask(bounds.commit).then(() => ask(bounds.begin));
        await ask(statement, values);
      }`,
    caughtBy: { proof: 'kills-sqlite', scale: 0.1 },
  },
  {
    name: 'SQL: a transaction of several namespaces waits for a locked head',
    file: 'stores/sql/statements.ts',
    from: "' skip locked'",
    to: "''",
    caughtBy: { test: 'test/stores/sql/shared-commits.test.ts', title: 'do not wait for a head that another process holds' },
  },
  {
    name: 'SQL: a namespace that the database refuses fails those that share its transaction',
    file: 'stores/sql/commits.ts',
    from: 'if (isAgain) queue.putBack(waiting);',
    to: 'if (isAgain && parts.length === 1) queue.putBack(waiting);',
    caughtBy: { test: 'test/stores/sql/shared-commits.test.ts', title: 'fail only in the namespace whose data the database refuses' },
  },
  {
    name: 'SQL: a namespace that was refused shares the next transaction again',
    file: 'stores/sql/commit-queue.ts',
    from: 'wasRefused(): void {\n    this.#apart = MOST_APART;',
    to: 'wasRefused(): void {',
    caughtBy: { test: 'test/stores/sql/shared-commits.test.ts', title: 'fail only in the namespace whose data the database refuses' },
  },
  {
    name: 'SQL: a namespace that shared a lost transaction shares the next one again',
    file: 'stores/sql/commits.ts',
    from: 'queue.hasFailed();\n        if (isAgain)',
    to: 'if (isAgain)',
    caughtBy: {
      test: 'test/stores/sql/shared-commits.test.ts',
      title: 'fail at most once where the connection of a shared transaction is lost',
    },
  },
  {
    name: 'SQL: namespaces of one transaction are judged by the records of another',
    file: 'stores/sql/commit-transaction.ts',
    from: "lists[integerOf(line, 'i')]?.keys",
    to: 'lists[0]?.keys',
    caughtBy: { test: 'test/stores/sql/shared-commits.test.ts', title: 'are judged separately' },
  },
  {
    name: 'SQL: a lost reply is reported as not applied',
    file: 'stores/sql/commits.ts',
    from: "reject(unknown ? new OutcomeUnknownError(change.id, cause) : asStoreError('commit', cause));",
    to: "reject(asStoreError('commit', cause));",
    caughtBy: {
      test: 'test/stores/sql/network.test.ts',
      title: 'recognises the same change as committed after the reply to COMMIT was lost',
    },
  },
  {
    name: 'SQL: "now" is the time of the database',
    file: 'stores/sql/statements.ts',
    from: 'where namespace = $1 and live_subject = $2 and until_at > $3`;',
    to: "where namespace = $1 and live_subject = $2 and until_at > ${postgres ? 'coalesce((extract(epoch from now()) * 1000)::bigint, $3)' : '$3'}`;",
    caughtBy: POSTGRES('judges live() at the instant of the question, regardless of the real time'),
  },
  {
    name: 'SQL: `<` for `<=` in due()',
    file: 'stores/sql/statements.ts',
    from: 'due_at is not null and due_at <= $5',
    to: 'due_at is not null and due_at < $5',
    caughtBy: SQLITE('gives a row from its dueAt on: not at -1 ms, at 0 and at +1 ms'),
  },
  {
    name: 'SQL: a row with an open end never ends',
    file: 'stores/sql/find.ts',
    from: '`from_at < until_at and from_at < $${next} and until_at > $${next + 1}`',
    to: '`from_at < $${next} and coalesce(until_at > $${next + 1}, true)`',
    caughtBy: SQLITE('gives for a window no row that lacks an end of its own, and none whose own is empty'),
  },
  {
    name: 'SQL: the limit of a page is ignored',
    file: 'stores/sql/find.ts',
    from: 'rows.sort(inOrder(order)).slice(0, wanted);',
    to: 'rows.sort(inOrder(order));',
    caughtBy: SQLITE('gives every row exactly once, regardless of the length of a page'),
  },
  {
    name: 'SQL: BIGINT stays the string that the driver returns',
    file: 'stores/sql/rows.ts',
    from: '  return number as number;',
    to: '  return value as number;',
    caughtBy: POSTGRES('keeps every instant as it was given'),
  },
  {
    name: 'SQL: ids are compared without case',
    file: 'stores/sql/schema.ts',
    from: `const text = postgres ? 'text collate "C"' : 'text';`,
    to: `const text = postgres ? 'text collate "C"' : 'text collate nocase';`,
    caughtBy: SQLITE('distinguishes namespaces byte by byte, and from the kinds and ids after them'),
  },
  {
    name: 'SQL: ids are in the order of UTF-8',
    file: 'stores/sql/order.ts',
    from: 'return MAY_MOVE.test(id) ? ',
    to: 'return id.length < 0 ? ',
    caughtBy: SQLITE('orders by id, by UTF-16 code unit'),
  },
  {
    name: 'SQL: namespaces that wait while a notification is sent are never notified',
    file: 'stores/sql/backend.ts',
    from: 'committed: (namespaces) => this.#notify(namespaces),',
    to: 'committed: (namespaces) => namespaces.forEach((one) => this.#toNotify.add(one)),',
    caughtBy: { test: 'test/stores/sql/watch.test.ts', title: 'wakes for commits of other processes in the watched namespace' },
  },
  {
    name: 'SQL: a check finds nothing in the last millisecond',
    file: 'stores/sql/statements.ts',
    from: 'where namespace = $1 and live_subject = $2 and until_at > $3`;',
    to: 'where namespace = $1 and live_subject = $2 and until_at - 1 > $3`;',
    caughtBy: { proof: 'boundary-sqlite', scale: 0.01 },
  },
  {
    name: 'SQL: a rewritten row keeps its dueAt',
    file: 'stores/sql/writes.ts',
    from: '${replaced(ROW.slice(2))}',
    to: "${replaced(ROW.slice(2).filter((name) => name !== 'due_at'))}",
    caughtBy: { proof: 'model-sqlite', scale: 0.025 },
  },
  {
    name: 'SQL: the keys of a commit may be joined with the whole namespace',
    file: 'stores/sql/fragments.ts',
    from: 'where ${isKey} limit 1) as r`',
    to: 'where ${isKey}) as r`',
    caughtBy: {
      test: 'test/stores/sql/young-database.test.ts',
      title: 'read only matching rows, and not the 50000 rows of the namespace, in a database that was never analysed',
    },
  },
  {
    name: 'SQL: the schema version is checked only once',
    file: 'stores/sql/rows.ts',
    from: 'if (Number(version ?? 0) !== SCHEMA_VERSION) throw wrongVersion(Number(version ?? 0));',
    to: '',
    caughtBy: { test: 'test/stores/sql/schema.test.ts', title: 'refuses every commit, and writes nothing' },
  },
  {
    name: 'SQL: a standby may answer',
    file: 'stores/sql/rows.ts',
    from: "if (dialect === 'postgres' && first?.['standby'] !== false) {",
    to: "if (dialect === 'postgres' && first?.['standby'] === undefined) {",
    caughtBy: {
      test: 'test/stores/sql/standby.test.ts',
      title: 'rejects checks where its pool is given as read, after a revoke that has not reached it',
    },
  },
  {
    name: 'SQL: the opened file may be deleted',
    file: 'stores/sql/backend.ts',
    from: '      this.#file?.refuseIfReplaced();\n',
    to: '',
    caughtBy: {
      test: 'test/stores/sql/database-file.test.ts',
      title: 'rejects checks once the file was deleted where it reads only through Kysely',
    },
  },
  // ---- Redis ----
  {
    name: 'Redis: rows are set without comparing their versions',
    file: 'stores/redis/commit-script.ts',
    from: "if version ~= expect[i + 1] then return 'conflict' end",
    to: '',
    caughtBy: REDIS('lets exactly one of 64 concurrent changes win that expect the same version'),
  },
  {
    name: 'Redis: only the newest entry is compared with knows',
    file: 'stores/redis/commit-script.ts',
    from: "if found ~= knownHash then return 'behind' end",
    to: "if knownSeq == seq and found ~= knownHash then return 'behind' end",
    caughtBy: REDIS('answers behind where the journal has another hash there, and applies nothing'),
  },
  {
    name: 'Redis: the head is not compared',
    file: 'stores/redis/commit-script.ts',
    from: "if #append > 0 and (baseSeq ~= text(seq) or baseHash ~= hash) then return 'moved' end",
    to: '',
    caughtBy: { test: 'test/stores/redis/together.test.ts', title: 'link every change to the head that other connections have moved' },
  },
  {
    name: 'Redis: the type of a key is not checked before the first write',
    file: 'stores/redis/commit-script.ts',
    from: 'if there[key] and found ~= expected then',
    to: 'if there[key] and not found then',
    caughtBy: { test: 'test/stores/redis/whole.test.ts', title: 'is refused before its first write where key ' },
  },
  {
    name: 'Redis: a repeated change is not recognised',
    file: 'stores/redis/commit-script.ts',
    from: "if call('ZSCORE', CHANGES, id) then",
    to: 'if not id then',
    caughtBy: REDIS('answers committed even when its records have changed since, and leaves them as they are'),
  },
  {
    name: 'Redis: live rows expire by themselves',
    file: 'stores/redis/commit-script.ts',
    from: "call('HSET', ROWS, key, row)\n",
    to: "call('HSET', ROWS, key, row)\n    call('PEXPIRE', ROWS, '86400000')\n",
    caughtBy: { test: 'test/stores/redis/whole.test.ts', title: 'sets no expiry, and uses only its six keys' },
  },
  {
    name: 'Redis: a check finds closed grants',
    file: 'stores/redis/commit-script.ts',
    from: 'if oldField then relist(oldField, key, false) end',
    to: '',
    caughtBy: REDIS('gives open rows only, and one that was closed or removed not again'),
  },
  {
    name: 'Redis: instants are in the order of their texts',
    file: 'stores/redis/commit-script.ts',
    from: "string.rep('0', 16 - #instant) .. instant",
    to: 'instant',
    caughtBy: REDIS('gives a row from its dueAt on: not at -1 ms, at 0 and at +1 ms'),
  },
  {
    name: 'Redis: a separator in a key is not escaped',
    file: 'stores/redis/text.ts',
    from: '  if (!MOVED.test(text)) return text;\n',
    to: "  if (text.includes('\\0') || !MOVED.test(text)) return text;\n",
    caughtBy: { test: 'test/stores/redis/differential.test.ts', title: 'give the same answers to any sequence of changes and queries' },
  },
  {
    name: 'Redis: a commit whose reply is lost counts as committed',
    file: 'stores/redis/writer.ts',
    from: 'function fail({ id, reject }: Waiting, error: unknown): void {',
    to: "function fail({ id, reject, resolve }: Waiting, error: unknown): void {\n  if (!(error instanceof AskError && error.applied === 'no')) return resolve('committed');",
    caughtBy: {
      test: 'test/stores/redis/network.test.ts',
      title: 'rejects with an unknown outcome where the reply is lost, and returns committed for the same change later',
    },
  },
  {
    name: 'Redis: any eviction policy is accepted',
    file: 'stores/redis/eviction.ts',
    from: "if (what === 'policy' && said === 'noeviction') return;",
    to: "if (what === 'policy') return;",
    caughtBy: { test: 'test/stores/redis/server-state.test.ts', title: 'makes every method reject where it is ' },
  },
  {
    name: 'Redis: a WAIT over any connection counts',
    file: 'stores/redis/connection.ts',
    from: 'if (this.#status.changes !== changes) throw',
    to: 'if (this.#status.changes < changes) throw',
    caughtBy: {
      test: 'test/stores/redis/replicated.test.ts',
      title: 'acknowledges no commit by a WAIT that was sent again over another connection (L12) [V1]',
    },
  },
  {
    name: 'Redis: the head of a commit that the replicas lack is dropped',
    file: 'stores/redis/writer.ts',
    from: '(reply) => this.#learn(reply)',
    to: '(reply) => this.#connection.replicas > 0 || this.#learn(reply)',
    caughtBy: {
      test: 'test/stores/redis/replicated.test.ts',
      title: 'applies on the primary, one change after the other, what it cannot acknowledge while the replica lags',
    },
  },
  {
    name: 'a repetition is acknowledged before it is durable',
    file: 'kernel/ledger.ts',
    from: '    if (!isWritten) await this.confirmDurable();\n',
    to: '',
    caughtBy: { test: 'test/engine/repeat-durable.test.ts', title: 'is not acknowledged before that server has what the call read (L12)' },
  },
  {
    name: 'Redis: a refusal by another server than the first counts as not applied',
    file: 'stores/redis/connection.ts',
    from: 'return call.isSent && call.changes !== this.#status.changes ?',
    to: 'return call.isSent && call.changes > this.#status.changes ?',
    caughtBy: {
      test: 'test/stores/redis/replicated.test.ts',
      title: 'does not report a refusal as "not applied" where the client has resent the commit itself, to a server ',
    },
  },
  {
    name: 'Redis: replicas are requested on a Cluster, where any node answers',
    file: 'stores/redis/store.ts',
    from: 'if (replicas > 0 && (client as RedisClient).isCluster === true) {',
    to: 'if (replicas > 1_000 && (client as RedisClient).isCluster === true) {',
    caughtBy: { test: 'test/stores/redis/replicated.test.ts', title: 'refuses replicas at construction: WAIT has no key' },
  },
  {
    name: 'Redis: a read is marked as one, so that a replica answers it',
    file: 'stores/redis/read-scripts.ts',
    from: "const HEADER = '#!lua flags=allow-oom\\n';",
    to: "const HEADER = '#!lua flags=no-writes\\n';",
    caughtBy: {
      test: 'test/stores/redis/replicated.test.ts',
      title: 'denies over a connection to a primary that was demoted (L12, L41) [V3]',
    },
  },
  {
    name: 'Redis: a dead connection is left to its client',
    file: 'stores/redis/connection.ts',
    from: '    this.client.reset?.(key);\n',
    to: '',
    caughtBy: {
      test: 'test/stores/redis/recovered.test.ts',
      title: 'answers again without a restart, while reads never pause (L30) [V4]',
    },
  },
  {
    name: 'Redis: each command of a read has a separate limit',
    file: 'stores/redis/connection.ts',
    from: 'return this.#within(keys, (call, server) => this.#proven(call, server, script, keys, args));',
    to: `const policy = this.#within(keys, async (call, server) => {
      const ask = () => this.#runNow(call, server, POLICY, keys.slice(0, 1), []);
      if (!this.#assumesNoEviction) await server.eviction.prove(ask, (callback) => call.onGiveUp.push(callback));
    });
    return policy.then(() => this.#within(keys, (call, server) => this.#runNow(call, server, script, keys, args)));`,
    caughtBy: {
      test: 'test/stores/redis/recovered.test.ts',
      title: 'covers all commands of the read, with the one for the eviction policy (L30) [V11]',
    },
  },
  {
    name: 'Redis: rows and lines of a namespace are not counted',
    file: 'stores/redis/whole-script.ts',
    from: "if found == tonumber(counted or '-1') then return nil end",
    to: 'if found >= 0 then return nil end',
    caughtBy: { test: 'test/stores/redis/damaged.test.ts', title: 'rejects revokeAll, checks and requests without its index' },
  },
  {
    name: 'Redis: the row that a live field names counts without a comparison',
    file: 'stores/redis/reads.ts',
    from: 'if (row.open && row.subject === subject && (scope === undefined || row.scope === scope)) continue;',
    to: 'if (row.id.length > 0) continue;',
    caughtBy: {
      test: 'test/stores/redis/damaged.test.ts',
      title: 'allows nothing by a field of live that names an ended grant next to a live one',
    },
  },
  {
    name: 'Redis: the eviction policy is read only once',
    file: 'stores/redis/eviction.ts',
    from: 'return this.#proven !== undefined && this.#proven.ms < CHECK_EVERY_MS;',
    to: 'return this.#proven !== undefined;',
    caughtBy: { test: 'test/stores/redis/cluster.test.ts', title: 'is read again each minute (L12) [V9]' },
  },
  {
    name: 'Redis: the eviction policy is read from any node of a Cluster',
    file: 'stores/redis/connection.ts',
    from: 'this.#runNow(call, server, POLICY, keys.slice(0, 1), []);',
    to: 'this.#runNow(call, server, POLICY, [], []);',
    caughtBy: {
      test: 'test/stores/redis/cluster.test.ts',
      title: 'accepts or refuses by the eviction policy of the node that holds the namespace (L12) [V9]',
    },
  },
  {
    name: 'Redis: a full server refuses a revoke',
    file: 'stores/redis/writer.ts',
    from: 'const script = sent.every(({ isEnding }) => isEnding) ? ENDING_COMMIT : COMMIT;',
    to: 'const script = sent.length === 0 ? ENDING_COMMIT : COMMIT;',
    caughtBy: {
      test: 'test/stores/redis/full.test.ts',
      title: 'still revokes, releases, denies and cancels, but issues no grant [full Redis]',
    },
  },
  {
    name: 'Redis: a trim deletes all in one script',
    file: 'stores/redis/commit-script.ts',
    from: 'const DROP_STEP = 1_000;',
    to: 'const DROP_STEP = 7_000;',
    caughtBy: { test: 'test/stores/redis/trim.test.ts', title: 'is deleted in scripts of at most a thousand entries' },
  },
  // ---- What verifies one ----
  {
    name: 'verifyStore: the rows of live() are not compared',
    file: 'journal/verify-store/comparison.ts',
    from: '      suspects.push(...(await this.#liveSuspects(suspects)));\n',
    to: '',
    caughtBy: {
      test: 'test/journal/verify-copies.test.ts',
      title: 'names a revoked grant that live() still returns in its old version [V8a]',
    },
  },
  {
    name: 'verifyStore: a list that lacks rows passes',
    file: 'journal/verify-store/comparison.ts',
    from: "const found = unlike('find', await this.#listing.row(key.kind, { at: this.#createdAt(key, row), id: key.id }, read.pages), row);",
    to: 'const found = undefined;',
    caughtBy: {
      test: 'test/journal/verify-copies.test.ts',
      title: 'names every row where find() returns none, instead of comparing 0 rows [V8b]',
    },
  },
  {
    name: 'verifyStore: only the rows of find() are compared',
    file: 'journal/verify-store/comparison.ts',
    from: ' && compare(this.#reading, key, kept[i]) === undefined',
    to: '',
    caughtBy: {
      test: 'test/journal/verify-copies.test.ts',
      title: 'names a row that get() returns in its old version while find() and live() are right [V8c]',
    },
  },
  // ---- Followers ----
  {
    name: 'followers: the cursor moves before its entries are delivered',
    file: 'followers/follower.ts',
    from: 'this.#cursor.write(version, { seq, leasedUntil: now + LEASE_MS, refusals })',
    to: 'this.#cursor.write(version, { seq: last.seq, leasedUntil: now + LEASE_MS, refusals })',
    caughtBy: { proof: 'deliveries-sqlite', scale: 0.05 },
  },
  {
    name: 'followers: a lease is ignored',
    file: 'followers/lease.ts',
    from: 'return !isOurs && now < leasedUntil',
    to: 'return !isOurs && now < 0 && now < leasedUntil',
    caughtBy: { test: 'test/stores/durable/suspended.test.ts', title: 'L28 L32 loses no message' },
  },
  {
    name: 'L12: the end of a chain needs one change that holds all of its requests',
    file: 'kernel/fits-change.ts',
    from: 'records.length === 0 || fitsChange(kernel, change)',
    to: 'change !== undefined',
    caughtBy: { test: 'test/engine/chain-limits.test.ts', title: 'ends in several changes where the reviews of its requests are longer' },
  },
  {
    name: 'A16: an authentication in the future is accepted',
    file: 'lifecycle/assurance.ts',
    from: 'authAt > now + MAX_AHEAD_MS',
    to: 'authAt > Infinity',
    caughtBy: { test: 'test/engine/assurance.test.ts', title: 'and records no review' },
  },
  {
    name: 'A16: an approval link satisfies every assurance',
    file: 'lifecycle/review.ts',
    from: 'assuranceProblems(request, auth, moment)',
    to: 'link === undefined ? assuranceProblems(request, auth, moment) : []',
    caughtBy: { test: 'test/engine/assurance.test.ts', title: 'A16 is not satisfied by an approval link alone' },
  },
  {
    name: 'revokeAll of an amended request leaves the access of its replacement',
    file: 'engine/revoke-all.ts',
    from: "request?.end?.cause === 'amended' ? request.replacedBy : undefined",
    to: "request?.end?.cause === 'amended' ? undefined : undefined",
    caughtBy: { test: 'test/engine/amend.test.ts', title: 'is reached by revokeAll of the old request, as are its grants' },
  },
  {
    name: 'A8: a denial that is given again in another group is dropped',
    file: 'lifecycle/review.ts',
    from: 'groups.every((name) => others.includes(name))',
    to: 'groups.every((name) => name !== others.join())',
    caughtBy: { test: 'test/engine/quorums.test.ts', title: 'A8 L16 counts a denial that is given again in another group' },
  },
  {
    name: 'revokeAll loses a request that is amended repeatedly',
    file: 'engine/revoke-all.ts',
    from: "request.end?.cause !== 'amended' || request.replacedBy === undefined",
    to: 'request !== undefined',
    caughtBy: { test: 'test/engine/amend.test.ts', title: 'L12 is followed by revokeAll of the old request while its requester amends' },
  },
  {
    name: 'chains: a policy that covers a part of a request leaves all of it to laxer members',
    file: 'approvers/policy/decide.ts',
    from: "said.outcome === 'uncovered' && said.partly !== undefined",
    to: "said.outcome === 'uncovered' && said.partly === ''",
    caughtBy: { test: 'test/approvers/policy/decide.test.ts', title: 'must each be covered' },
  },
  // ---- Approvers ----
  {
    name: 'chains: the end of a member that abstains is dropped',
    file: 'approvers/first-decisive.ts',
    from: 'Math.min(endBy, own)',
    to: 'endBy',
    caughtBy: { test: 'test/approvers/chain-ends.test.ts', title: 'gives no access that lasts into the freeze of that member' },
  },
  {
    name: "policies: scopes are matched by the policy's matcher, not by the engine's",
    file: 'approvers/policy/define-policy.ts',
    from: 'new Question(policy, request, context && reachOf(context.scopes), context?.at)',
    to: 'new Question(policy, request, context && undefined, context?.at)',
    caughtBy: { test: 'test/approvers/matcher.test.ts', title: 'L21 a deny rule reaches as far as a grant of this engine does' },
  },
  {
    name: 'policies: ids are compared without canonicalId',
    file: 'approvers/policy/define-policy.ts',
    from: 'const policy = compiledFor(context ?? own);',
    to: 'const policy = compiledFor(context && own);',
    caughtBy: { test: 'test/approvers/canonical-ids.test.ts', title: 'a deny rule in another form denies break-glass' },
  },
  // ---- Around the engine ----
  {
    name: 'sweeper: one engine is swept after the other',
    file: 'engine/sweeper.ts',
    from: 'Promise.all(loops.map((loop) => loop.run())).then(() => undefined)',
    to: 'loops.reduce((before, loop) => before.then(() => loop.run()), Promise.resolve())',
    caughtBy: {
      test: 'test/engine/sweeper-side-by-side.test.ts',
      title: 'records the ends of a tenant, in external systems too, while the approvers of',
    },
  },
  {
    name: 'sweep: a pass waits for the approver',
    file: 'engine/sweep.ts',
    from: '      (tally) => {\n        const asked = handOver();',
    to: '      async (tally) => {\n        const asked = handOver();\n        await answered;',
    caughtBy: {
      test: 'test/engine/sweeper-side-by-side.test.ts',
      title: 'records the ends of a tenant in the next pass, while its own approver still hangs',
    },
  },
  {
    name: 'provisioning: an end waits for an approver that must confirm a start',
    file: 'features/provisioning/target.ts',
    from: 'coverageOf(this.#kernel, subject, scope, false)',
    to: 'coverageOf(this.#kernel, subject, scope)',
    caughtBy: {
      test: 'test/engine/sweeper-side-by-side.test.ts',
      title: 'applies an end while the approver that must confirm a start at the same instant hangs',
    },
  },
  {
    name: 'followers: a refused entry is never withheld',
    file: 'followers/refused-entry.ts',
    from: 'export const MAX_REFUSALS = 5;',
    to: 'export const MAX_REFUSALS = 5_000;',
    caughtBy: { test: 'test/followers/refused-entry.test.ts', title: 'delivers the entries after one that its receiver refuses' },
  },
  {
    name: 'webhook: an expired token counts as the refusal of an entry',
    file: 'features/webhook/sender.ts',
    from: '[401, 404, 405, 407, 408, 410, 429]',
    to: '[404, 405, 407, 408, 410, 429]',
    caughtBy: {
      test: 'test/followers/refused-entry.test.ts',
      title: 'as the refusal of an entry: no text is withheld, no entry is skipped',
    },
  },
  {
    name: 'followers: the count of refusals is forgotten with the lease',
    file: 'followers/shared-cursor.ts',
    from: 'const body = { seq, leasedUntil, owner: owner(), ...(refusals === undefined ? {} : { refused: { ...refusals } }) };',
    to: 'const body = { seq, leasedUntil, owner: owner(), ...(refusals?.count === 1 ? { refused: { ...refusals } } : {}) };',
    caughtBy: { test: 'test/followers/refused-entry.test.ts', title: 'counts refusals across restarts and processes' },
  },
  {
    name: 'requests: an error after the request was recorded does not name it',
    file: 'kernel/recorded.ts',
    from: 'throw withRequestId(error, requestId);',
    to: 'throw requestId.length > 0 ? error : withRequestId(error, requestId);',
    caughtBy: {
      test: 'test/faults/store-faults.test.ts',
      title: 'the error of every verb names the recorded request [V12]',
    },
  },
  {
    name: 'requests: an error of a repeated break-glass does not name its request',
    file: 'engine/break-glass.ts',
    from: 'return taken ?? afterRecording(id, () => repeated(kernel, id));',
    to: 'return taken ?? repeated(kernel, id);',
    caughtBy: {
      test: 'test/faults/store-faults.test.ts',
      title: 'the error of every verb names the recorded request [V12]',
    },
  },
  // ---- What one process does to the others ----
  {
    name: 'purge: the clock of one process decides the horizon',
    file: 'kernel/journal-clock.ts',
    from: 'return Math.min(now, middle);',
    to: 'return now;',
    caughtBy: {
      test: 'test/kernel/journal-clock.test.ts',
      title: 'accepts a horizon that most of the newest entries have passed',
    },
  },
  {
    name: 'purge: a silent journal confirms any clock',
    file: 'kernel/journal-clock.ts',
    from: 'if (now > newest + DAY_MS) throw',
    to: 'if (now < 0) throw',
    caughtBy: { test: 'test/kernel/journal-clock.test.ts', title: 'requires force if the namespace has been silent' },
  },
  {
    name: 'clock: an engine behind the journal creates access',
    file: 'kernel/journal-clock.ts',
    from: 'if (now >= newest.at - STEP_BACK_MS - this.#leewayMs)',
    to: 'if (now >= 0)',
    caughtBy: { test: 'test/kernel/journal-clock.test.ts', title: 'L5 L39 creates no access, reports that to onError' },
  },
  {
    name: "clock: its own entry confirms an engine's clock",
    file: 'kernel/journal-clock.ts',
    from: '    this.#ids.add(id);',
    to: '',
    caughtBy: { test: 'test/kernel/journal-clock.test.ts', title: 'but not after its own entries' },
  },
  {
    name: 'sweep, purge: no other work runs until the last row',
    file: 'core/time.ts',
    from: 'rows > this.#left && !(',
    to: 'rows > this.#left + 1e9 && !(',
    caughtBy: { test: 'test/stores/turns.test.ts', title: 'every 256 rows, in memory' },
  },
  {
    name: 'purge: the journal is trimmed in one change',
    file: 'features/retention/purge.ts',
    from: 'const TRIM_STEP = 2_000;',
    to: 'const TRIM_STEP = 2_000_000;',
    caughtBy: { test: 'test/stores/turns.test.ts', title: 'every 256 rows, in memory' },
  },
  {
    name: 'purge: one change removes a page of requests, however many rows they have',
    file: 'features/retention/groups.ts',
    from: 'const MAX_ROWS = 250;',
    to: 'const MAX_ROWS = 25_000;',
    caughtBy: { test: 'test/stores/turns.test.ts', title: 'every 256 rows, in memory' },
  },
  {
    name: 'revokeAll: an unreadable record is skipped',
    file: 'engine/end-tally.ts',
    from: 'throw isUntouched && isJitError(first.error) ? first.error : new PartialError(ended, failures);',
    to: 'if (isUntouched && isJitError(first.error)) throw first.error;\n    return failures.length < 0 ? new PartialError(ended, failures).ended : ended;',
    caughtBy: {
      test: 'test/engine/revoke-all-unreadable.test.ts',
      title: 'L12 ends all other records, and rejects with those that it ended and those that it could not end',
    },
  },
  {
    name: 'break-glass: a bundle continues to end after another verdict',
    file: 'engine/break-glass-review.ts',
    from: 'combine(undefined, [transition, stillPending])',
    to: 'combine(undefined, [transition])',
    caughtBy: { test: 'test/engine/large-bundle.test.ts', title: 'L19 ends nothing more once another reviewer has given the verdict' },
  },
  {
    name: 'lock: the run of a locked operator still gets the verdict of the approver',
    file: 'lifecycle/decision.ts',
    from: 'refuseIfLocked(context.locks, lockableOf(request), moment);',
    to: '',
    caughtBy: { test: 'test/engine/lock.test.ts', title: 'refuses the verdict of an approver of a run whose operator is locked' },
  },
  {
    name: 'lock: an ask does not compare the row of locks',
    file: 'lifecycle/request.ts',
    from: '      locksAsRead(context.locks),\n',
    to: '',
    caughtBy: { test: 'test/engine/lock.test.ts', title: 'every change that gives access compares the row of locks' },
  },
  {
    name: 'lock: an unfinished lock ends at its until',
    file: 'lifecycle/lock.ts',
    from: 'completedAt === undefined || now < (until ?? Infinity)',
    to: 'now < (until ?? Infinity)',
    caughtBy: { test: 'test/engine/lock.test.ts', title: 'is not ended by its until before it is complete' },
  },
  {
    name: 'provisioning: apply of an extension is not called again with its end',
    file: 'features/provisioning/provisioner.ts',
    from: 'held && before?.held === true : undefined',
    to: 'held && before?.held === false : undefined',
    caughtBy: {
      test: 'test/features/provisioning/ends-and-drift.test.ts',
      title: 'makes a new call with the new end after an extension and after its revoke, where the target renews',
    },
  },
  {
    name: 'provisioning: access that was never granted is reported as missing',
    file: 'features/provisioning/provisioner.ts',
    from: '(held ? missing : unexpected)',
    to: '(held ? unexpected : missing)',
    caughtBy: {
      test: 'test/features/provisioning/ends-and-drift.test.ts',
      title: 'reconcile() reports access that was never granted and access that is missing, and resync() repairs the latter',
    },
  },
  {
    name: 'maxHolders: two approvals at once both count the same holders',
    file: 'lifecycle/decision.ts',
    from: 'put: [next, ...issued.put, subject, ...holders],',
    to: 'put: [next, ...issued.put, subject],',
    caughtBy: { test: 'test/engine/holders.test.ts', title: 'A9 of two approvals for two subjects at once, exactly one commits' },
  },
  {
    name: 'maxHolders: access that has ended still counts',
    file: 'lifecycle/holders.ts',
    from: '.filter(({ end, expiresAt }) => end === undefined && !hasPassed(expiresAt, moment))',
    to: '',
    caughtBy: { test: 'test/engine/holders.test.ts', title: 'lets the next subject in once the access has ended' },
  },
  {
    name: 'maxHolders: a grant for later counts against access that ends before',
    file: 'lifecycle/holders.ts',
    from: 'grant.startsAt < next.expiresAt && next.startsAt < grant.expiresAt',
    to: 'grant.startsAt < grant.expiresAt',
    caughtBy: { test: 'test/engine/holders.test.ts', title: 'counts only windows that meet' },
  },
  {
    name: 'comments: a comment commits after the decision of its request',
    file: 'lifecycle/comment.ts',
    from: 'dependsOn: [asRead(request), locksAsRead(locks)]',
    to: 'dependsOn: [locksAsRead(locks)]',
    caughtBy: { test: 'test/engine/comment.test.ts', title: 'exactly one of a comment and a decision at once commits first' },
  },
  {
    name: 'comments: a locked author may comment',
    file: 'lifecycle/comment.ts',
    from: 'dependsOn: [asRead(request), locksAsRead(locks)]',
    to: 'dependsOn: [asRead(request)]',
    caughtBy: { test: 'test/engine/comment.test.ts', title: 'has one order with a lock on its author' },
  },
  {
    name: 'comments: any caller may comment',
    file: 'lifecycle/comment.ts',
    from: 'countsIn(request, groups, moment).length === 0',
    to: 'countsIn(request, groups, moment).length < 0',
    caughtBy: { test: 'test/engine/comment.test.ts', title: 'refuses every other caller, and stores nothing' },
  },
  {
    name: 'comments: a purge leaves the comments of a request behind',
    file: 'features/retention/purge.ts',
    from: ', ...(comments.get(request.id) ?? [])].map(keyOf)',
    to: '].map(keyOf)',
    caughtBy: { test: 'test/engine/comment.test.ts', title: 'L33 a purge removes the comments with their request' },
  },
  {
    name: 'recordUse: every process records a use of a grant at its own interval',
    file: 'lifecycle/activity.ts',
    from: 'before !== undefined && Math.abs(moment.now - before.lastUsedAt) < everyMs',
    to: 'before !== undefined && moment.now < 0',
    caughtBy: { test: 'test/lifecycle/activity.test.ts', title: 'writes a later use once the last recorded one is as old as `every`' },
  },
  {
    name: 'recordUse: a use of a clock that is far ahead keeps all others from recording',
    file: 'lifecycle/activity.ts',
    from: 'Math.abs(moment.now - before.lastUsedAt)',
    to: '(moment.now - before.lastUsedAt)',
    caughtBy: { test: 'test/lifecycle/activity.test.ts', title: 'is kept from recording by no use of a clock that is further ahead' },
  },
  {
    name: 'recordUse: a use counts after the end of the grant',
    file: 'lifecycle/activity.ts',
    from: 'const end = effectiveEnd(grant);',
    to: 'const end = effectiveEnd({ ...grant, end: undefined });',
    caughtBy: { test: 'test/engine/record-use.test.ts', title: 'L27 may follow the end of the grant, names no later instant, and replays' },
  },
  {
    name: 'recordUse: a use is recorded although a purge has removed its grant',
    file: 'lifecycle/activity.ts',
    from: ', dependsOn: [asRead(grant)] };',
    to: ', dependsOn: [asRead(grant)].slice(1) };',
    caughtBy: { test: 'test/engine/record-use.test.ts', title: 'is dropped where a purge has removed the grant' },
  },
];
