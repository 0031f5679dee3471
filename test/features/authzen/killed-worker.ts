/*
 * A process that serves AuthZEN over a SQLite file. It receives one submission many times at once, sends each answer to its parent
 * process, and kills itself where the job says so.
 *
 * killed-worker.ts <JSON of Job>
 */
import { createAuthzenHandler } from 'jit-access/authzen';
import { accessRequests } from 'jit-access/authzen/access-request';
import { ManualClock } from 'jit-access/testing';
import { JitEngine, reviewers, type GrantStore } from '../../../src/index.js';
import { openStore } from '../../stores/durable/place.js';
import { clientOf, OPTIONS, signerOf } from './authzen-of.js';
import type { Answered, Job } from './killed-worker-job.js';

const job = JSON.parse(process.argv[2] ?? '') as Job;
const counts = { 'before commit': 0, 'inside commit': 0, 'after commit': 0, 'after answer': 0 };

/** SIGKILL ends the process before the next line runs, with everything in flight. */
function dieAt(event: keyof typeof counts): void {
  counts[event] += 1;
  if (job.diesAt?.event === event && job.diesAt.count === counts[event]) process.kill(process.pid, 'SIGKILL');
}

const { store, close } = await openStore(
  { kind: 'sqlite', where: job.path },
  { namespace: 'killed', onStatement: (sql) => (sql.startsWith('insert into jit_journal') ? dieAt('inside commit') : undefined) },
);

const counted: GrantStore = {
  namespace: store.namespace,
  durability: store.durability,
  in: (namespace) => store.in(namespace),
  get: (keys) => store.get(keys),
  live: (query) => store.live(query),
  find: (query) => store.find(query),
  due: (query) => store.due(query),
  journal: (query) => store.journal(query),
  async commit(change) {
    dieAt('before commit');
    const result = await store.commit(change);
    dieAt('after commit');
    return result;
  },
};

const engine = new JitEngine({
  store: counted,
  approver: reviewers({ members: ['user:sam'] }),
  clock: new ManualClock(),
  // Otherwise a submission whose key is lost would still find the open request, because it asks for the same.
  limits: { duplicates: 'refuse' },
});
const { send } = clientOf(createAuthzenHandler(engine, { ...OPTIONS, accessRequests: accessRequests({ signer: signerOf() }) }));

/** Resolves once the parent process has the message. */
const report = (message: Answered) => new Promise<void>((resolve) => process.send?.(message, undefined, {}, () => resolve()));

await Promise.all(
  Array.from({ length: job.times }, async () => {
    const { status, text } = await send('/requests', job.body, { headers: job.headers });
    await report({ status, text });
    dieAt('after answer');
  }),
);
await engine.close();
await close();
process.disconnect();
