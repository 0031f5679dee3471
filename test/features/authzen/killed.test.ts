import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { JitEngine, reviewers } from '../../../src/index.js';
import { ManualClock } from '../../../src/testing.js';
import { openStore } from '../../stores/durable/place.js';
import { SqliteFile } from '../../stores/sql/sqlite.js';
import { aProfile, PUBLIC_URL } from './authzen-of.js';
import type { Answered, Death, Job } from './killed-worker-job.js';
import { requestIdOf, submissionOf, type TaskAnswer } from './profile-of.js';

const AT_ONCE = 200;
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The end of a process, and the answers that it sent before. */
interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly answers: readonly Answered[];
}

async function inProcess(job: Job): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', `${root}test/features/authzen/killed-worker.ts`, JSON.stringify(job)], {
    cwd: root,
    env: { ...process.env, TSX_TSCONFIG_PATH: `${root}test/tsconfig.json` },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const answers: Answered[] = [];
  child.on('message', (answer: Answered) => answers.push(answer));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, answers };
}

/** The requests in the file, and how many the journal says were created. */
async function recordsIn(path: string) {
  const { store, close } = await openStore({ kind: 'sqlite', where: path }, { namespace: 'killed' });
  const engine = new JitEngine({ store, approver: reviewers({ members: ['user:sam'] }), clock: new ManualClock() });
  const requests = (await engine.listRequests({})).items;
  const { entries } = await store.journal({ after: 0, limit: 1_000 });
  await engine.close();
  await close();
  return { requests, created: entries.filter(({ type }) => type === 'request.created').length };
}

/** The two processes: the first one dies, and the second one receives the same submissions. */
async function killedAndRepeated(headers: Readonly<Record<string, string>>, diesAt: Death) {
  const file = await SqliteFile.migrated();
  try {
    const body = JSON.stringify(await submissionOf(aProfile()));
    const job = { path: file.path, body, headers, times: AT_ONCE };
    const killed = await inProcess({ ...job, diesAt });
    const left = await recordsIn(file.path);
    const survivor = await inProcess(job);
    return { killed, left, survivor, ...(await recordsIn(file.path)) };
  } finally {
    file.remove();
  }
}

const KEY = { 'idempotency-key': 'submit-1' };

describe(`${AT_ONCE} identical submissions at once, in a process that is killed and in the next one`, () => {
  it.each<[string, Readonly<Record<string, string>>, Death, { readonly left: number }]>([
    ['before its first commit', KEY, { event: 'before commit', count: 1 }, { left: 0 }],
    ['inside the transaction of its first commit', KEY, { event: 'inside commit', count: 1 }, { left: 0 }],
    ['after its first commit', KEY, { event: 'after commit', count: 1 }, { left: 1 }],
    ['after its second commit', KEY, { event: 'after commit', count: 2 }, { left: 1 }],
    ['after its first answer', KEY, { event: 'after answer', count: 1 }, { left: 1 }],
    ['after half of its answers', KEY, { event: 'after answer', count: AT_ONCE / 2 }, { left: 1 }],
    ['after its first commit, without a key', {}, { event: 'after commit', count: 1 }, { left: 1 }],
  ])('S9 B.5 make one request where the process dies %s', async (_, headers, diesAt, { left }) => {
    const run = await killedAndRepeated(headers, diesAt);
    expect([run.killed.signal, run.survivor.signal, run.survivor.code]).toEqual(['SIGKILL', null, 0]);
    expect(run.left.requests).toHaveLength(left);
    expect(run.survivor.answers).toHaveLength(AT_ONCE);
    if (diesAt.event === 'after answer') expect(run.killed.answers.length).toBeGreaterThanOrEqual(diesAt.count);

    expect([run.requests.length, run.created]).toEqual([1, 1]);
    const answers = [...run.killed.answers, ...run.survivor.answers];
    expect(answers.filter(({ status }) => status !== 202)).toEqual([]);
    const tasks = answers.map(({ text }) => (JSON.parse(text) as TaskAnswer).task);
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(1);
    expect(new Set(tasks.map(({ status_endpoint }) => status_endpoint))).toEqual(
      new Set([`${PUBLIC_URL}/access/v1/requests/${tasks[0]?.id}`]),
    );
    expect(tasks.map(requestIdOf)).toEqual(answers.map(() => run.requests[0]?.id));
  });
});
