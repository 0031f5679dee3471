import type { Seeded } from './seeded.js';

/** A bug in a file that `npm run mutate` does not change, above all in a durable store, and the test that must find it. */
export interface StoreBug extends Seeded {
  readonly caughtBy: Catcher;
}

/** A case of a test file, by a part of its title; or a part of a proof of `npm run prove`. */
export type Catcher = { readonly test: string; readonly title: string } | { readonly proof: string; readonly scale: number };

/**
 * Bugs as a developer might write them, one for each test file. The named test, or a crash, must find each. The contract suite has a test
 * of its own, which shows that each of its cases finds a bug.
 */
export const STORE_BUGS: readonly StoreBug[] = [
  {
    name: 'agents: an agent holds the access of its run',
    file: 'guards/ai/lender.ts',
    from: 'const subject = of === undefined ? agent : runSubject(of, this.#engine);',
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
    name: 'requirements: values are listed where a right is missing',
    file: 'approvers/policy/conditions.ts',
    from: 'if (right !== undefined) return { reason: right };',
    to: '',
    caughtBy: { test: 'test/engine/requirements.test.ts', title: 'is about rights alone where a right is missing' },
  },
  {
    name: 'calendar: a late decision gives the whole window',
    file: 'lifecycle/window.ts',
    from: '(asked ?? at) + ttlMs, until, terms?.endBy ?? Infinity)',
    to: '(asked ?? at) + ttlMs, until)',
    caughtBy: { test: 'test/approvers/policy/calendar.test.ts', title: 'A6 gives a late decision the time up to the end of the hours' },
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
  {
    name: 'encodeScope: a tilde stays',
    file: 'core/encode-scope.ts',
    from: 'part.replace(/[^\\w.@/+=-]/gu,',
    to: 'part.replace(/[^\\w.~@/+=-]/gu,',
    caughtBy: { test: 'test/property/encode-scope.test.ts', title: 'L24 are injective: two lists of parts never have one scope' },
  },
  {
    name: 'context: an inherited one is used beside an own live()',
    file: 'kernel/ledger/read-context.ts',
    from: 'if (own.some((property) => property !== undefined)) {',
    to: 'if (own[3] !== undefined) return store.context !== undefined;\n    if (own[3] !== undefined) {',
    caughtBy: {
      test: 'test/kernel/read-context.test.ts',
      title: 'never uses an inherited context() beside an own get(), live() or find() (L30)',
    },
  },
  {
    name: 'SQL: committed is returned before COMMIT',
    file: 'stores/sql/transaction.ts',
    from: '      const result = await work(this.#ask, this.#plugged);\n',
    to: '      const result = await work(this.#ask, this.#plugged);\n      resolve(result);\n',
    caughtBy: { proof: 'chaos-postgres', scale: 0.03 },
  },
  {
    name: 'SQL: an entry is inserted outside of the transaction of its row',
    file: 'stores/sql/commit-transaction.ts',
    from: 'of this.#statements.write(written)) await ask(statement, values);',
    to: `of statements.write(written)) {
        const { begin, commit } = this.#statements;
        if (statement.name === 'append') await ask(commit).then(() => ask(begin(this.#session.timeoutMs)));
        await ask(statement, values);
      }`,
    caughtBy: { test: 'test/stores/sql/faults-sqlite.test.ts', title: 'writes no row where the file refuses its entry' },
  },
  {
    name: 'SQL: a transaction of several namespaces waits for a locked head',
    file: 'stores/sql/dialect/postgres.ts',
    from: "holdFree: () => hold(' for update skip locked')",
    to: "holdFree: () => hold(' for update')",
    caughtBy: { test: 'test/stores/sql/shared-commits.test.ts', title: 'do not wait for a head that another process holds' },
  },
  {
    name: 'SQL: a guess is written where the head is right, and a version is not',
    file: 'stores/sql/dialect/postgres.ts',
    from: "guess = jsonb_build_array(${columns('f', [...HELD.slice(1), ...READ])})",
    to: 'guess ->> 1 = hash',
    caughtBy: { test: 'test/stores/sql/guessed-commits.test.ts', title: 'a version is not the expected one' },
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
    name: 'SQL: namespaces that wait while a notification is sent are never notified',
    file: 'stores/sql/backend.ts',
    from: 'listening && this.#notify(namespaces, listening.notify)',
    to: 'listening && namespaces.forEach((one) => this.#toNotify.add(one))',
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
    from: "${replaced([...ROW.slice(2), 'layout'])}",
    to: "${replaced([...ROW.slice(2), 'layout'].filter((name) => name !== 'due_at'))}",
    caughtBy: { proof: 'model-sqlite', scale: 0.025 },
  },
  {
    name: 'SQL: the keys of a commit may be joined with the whole namespace',
    file: 'stores/sql/dialect/postgres.ts',
    from: 'where ${isKey} limit 1) as r`',
    to: 'where ${isKey}) as r`',
    caughtBy: {
      test: 'test/stores/sql/young-database.test.ts',
      title: 'read only matching rows, and not the 50000 rows of the namespace, in a database that was never analysed',
    },
  },
  {
    name: 'SQL: a commit on SQLite reads the whole journal, because no index fits',
    file: 'stores/sql/schema.ts',
    from: "${always('where', 'change_id')}",
    to: ' where change_id is not null',
    caughtBy: { test: 'test/stores/sql/plans.test.ts', title: 'look up each row and each entry of a commit by its whole key' },
  },
  {
    name: 'SQL: the layout is compared only once',
    file: 'stores/sql/rows.ts',
    from: '  refuseLayout(layoutOf(first));\n',
    to: '',
    caughtBy: { test: 'test/stores/sql/schema.test.ts', title: 'refuses every commit, and writes nothing' },
  },
  {
    name: 'SQL: the contract leaves the rows that the last commits of an earlier layout wrote',
    file: 'stores/sql/upgrade.ts',
    from: '          if (last.length > 0) await ask(this.#statements.rewrite, [rewrittenList(last)]);\n',
    to: '',
    caughtBy: {
      test: 'test/stores/sql/upgrade.test.ts',
      title: 'finds the rows that a process of the earlier layout writes until the last moment',
    },
  },
  {
    name: 'SQL: the contract does not wait for a commit that has compared the numbers',
    file: 'stores/sql/dialect/postgres.ts',
    from: "'lock table jit_heads in exclusive mode'",
    to: "'lock table jit_heads in share row exclusive mode'",
    caughtBy: {
      test: 'test/stores/sql/upgrade.test.ts',
      title: 'waits for a commit that has compared the numbers, and then finds the row that it wrote',
    },
  },
  {
    name: 'SQL: a change is written that a process in the range cannot read',
    file: 'stores/judge.ts',
    from: '  if (kept.layout !== undefined) refuseUnreadable(kept.layout, change.needs);\n',
    to: '',
    caughtBy: {
      test: 'test/stores/sql/schema.test.ts',
      title: 'takes no change that a process in the range cannot read, before the contract',
    },
  },
  {
    name: 'SQL: a standby may answer',
    file: 'stores/sql/dialect/postgres.ts',
    from: "first?.['standby'] !== false",
    to: "first?.['standby'] === undefined",
    caughtBy: {
      test: 'test/stores/sql/standby.test.ts',
      title: 'rejects checks where its pool is given as read, after a revoke that has not reached it',
    },
  },
  {
    name: 'SQL: the opened file may be deleted',
    file: 'stores/sql/backend.ts',
    from: '      this.#file?.refuseIfReplaced();\n      const answer = put();',
    to: '      const answer = put();',
    caughtBy: {
      test: 'test/stores/sql/database-file.test.ts',
      title: 'rejects checks once the file was deleted where it reads only through Kysely',
    },
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
    file: 'stores/redis/write-script.ts',
    from: 'if there[key] and found ~= expected then',
    to: 'if there[key] and not found then',
    caughtBy: { test: 'test/stores/redis/whole.test.ts', title: 'is refused before its first write where key ' },
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
    name: 'Redis: a dead connection is left to its client',
    file: 'stores/redis/connection.ts',
    from: '    this.client.reset?.(call.key);\n',
    to: '',
    caughtBy: {
      test: 'test/stores/redis/recovered.test.ts',
      title: 'answers again without a restart, while reads never pause (L30) [V4]',
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
    name: 'Redis: the eviction policy is read only once',
    file: 'stores/redis/eviction.ts',
    from: 'return this.#proven !== undefined && this.#proven.ms < CHECK_EVERY_MS;',
    to: 'return this.#proven !== undefined;',
    caughtBy: { test: 'test/stores/redis/cluster.test.ts', title: 'is read again each minute (L12) [V9]' },
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
    name: 'chains: a policy that covers a part of a request leaves all of it to laxer members',
    file: 'approvers/policy/decide.ts',
    from: "said.outcome === 'uncovered' && said.partly !== undefined",
    to: "said.outcome === 'uncovered' && said.partly === ''",
    caughtBy: { test: 'test/approvers/policy/decide.test.ts', title: 'must each be covered' },
  },
  {
    name: "policies: scopes are matched by the policy's matcher, not by the engine's",
    file: 'approvers/policy/define-policy.ts',
    from: 'new Question(policy, request, context && ruleScopesOf(context.scopes), context?.at)',
    to: 'new Question(policy, request, context && undefined, context?.at)',
    caughtBy: { test: 'test/approvers/matcher.test.ts', title: 'L21 a deny rule reaches as far as a grant of this engine does' },
  },
  {
    name: 'policies: a group of code is asked to decide a request that is not recorded',
    file: 'approvers/policy/matching.ts',
    from: 'indexOf(asking).overlapping(scope).length === 0',
    to: 'indexOf(asking).overlapping(scope).length < Infinity',
    caughtBy: { test: 'test/engine/decides-at-once.test.ts', title: 'asks it to decide only about the recorded request' },
  },
  {
    name: 'policies: ids are compared without canonicalId',
    file: 'approvers/policy/define-policy.ts',
    from: 'const policy = compiledFor(context ?? own);',
    to: 'const policy = compiledFor(context && own);',
    caughtBy: { test: 'test/approvers/canonical-ids.test.ts', title: 'a deny rule in another form denies break-glass' },
  },
  {
    name: 'requests: an error after the request was recorded does not name it',
    file: 'kernel/approver/after-record.ts',
    from: 'throw withRequestId(error, requestId);',
    to: 'throw requestId.length > 0 ? error : withRequestId(error, requestId);',
    caughtBy: {
      test: 'test/faults/store-faults.test.ts',
      title: 'the error of every verb names the recorded request [V12]',
    },
  },
  {
    name: 'requests: an error of a repeated break-glass does not name its request',
    file: 'engine/break-glass/break-glass.ts',
    from: '...(await afterRecording(id, () => repeated(kernel, id))),',
    to: '...(await repeated(kernel, id)),',
    caughtBy: {
      test: 'test/faults/store-faults.test.ts',
      title: 'the error of every verb names the recorded request [V12]',
    },
  },
  {
    name: 'purge: grants are removed with their request, live or not',
    file: 'lifecycle/purge.ts',
    from: 'lastInstant(request) >= before) return false;\n  return grants.every((grant) => grant.end !== undefined && effectiveEnd(grant) <= before && !origins.has(grant.id));',
    to: 'false) return false;\n  return grants.every((grant) => !origins.has(grant.id));',
    caughtBy: { proof: 'chaos-sqlite', scale: 0.02 },
  },
  {
    name: 'view: without an answer of the store it stays as fresh as it was',
    file: 'features/view/freshness.ts',
    from: 'if (leftMs > 0) this.#copy.setFresh(now + Math.floor(leftMs / 2));\n    else this.end();\n    return leftMs > 0 &&',
    to: 'this.#copy.setFresh(now + Math.floor(Math.max(leftMs, 100) / 2));\n    return',
    caughtBy: { proof: 'chaos-redis', scale: 0.07 },
  },
  {
    name: 'sweep, purge: no other work runs until the last row',
    file: 'core/turns.ts',
    from: 'rows > this.#left && !(',
    to: 'rows > this.#left + 1e9 && !(',
    caughtBy: { test: 'test/stores/turns.test.ts', title: 'every 256 rows, in memory' },
  },
];
