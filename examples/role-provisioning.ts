import assert from 'node:assert/strict';
import {
  formatEntry,
  JitEngine,
  MemoryGrantStore,
  reviewers,
} from 'jit-access';
import { readJournal } from 'jit-access/journal';
import { provision } from 'jit-access/provisioning';
import { ManualClock } from 'jit-access/testing';

/** An external system that has members, and is down at times. */
class Directory {
  readonly members = new Set<string>();
  isDown = false;
  /** The highest number that it has seen of each member: a delayed call has a lower one, and must change nothing. */
  readonly #seen = new Map<string, number>();

  setMember(subject: string, isMember: boolean, seq: number): void {
    if (this.isDown)
      throw Object.assign(new Error('connection refused'), {
        code: 'ECONNREFUSED',
      });
    if (seq < (this.#seen.get(subject) ?? 0)) return;
    this.#seen.set(subject, seq);
    if (isMember) this.members.add(subject);
    else this.members.delete(subject);
  }
}

async function main() {
  const clock = new ManualClock();
  const store = new MemoryGrantStore();
  const directory = new Directory();
  const engine = new JitEngine({
    clock,
    store,
    approver: reviewers({ members: ['user:sam'] }),
    // Without it, the outage below would print a line to the console.
    onError: () => undefined,
  });
  const members = provision(engine, {
    name: 'directory',
    scopes: ['db-prod:admin'],
    tries: 3,
    // `held` is the desired state, not an event: set it, regardless of the state before.
    apply: ({ subject, held, seq }) =>
      directory.setMember(subject, held, seq),
  });
  const isMember = () => directory.members.has('user:maya');
  /** What a sweeper does at each interval. The directory learns of an expiry only then. */
  const sweep = async () => {
    await engine.sweep();
    await engine.flushAudit();
  };

  const asked = await engine.requestAccess({
    subject: 'user:maya',
    scope: 'db-prod:admin',
    ttl: '15m',
  });
  await engine.approve(asked.request.id, { by: 'user:sam' });
  await engine.flushAudit();
  console.log('approved: a member', isMember());
  assert.ok(isMember());

  // The window passes while the directory is down. The check says no at once; the directory doesn't know yet.
  directory.isDown = true;
  await clock.advance('15m');
  assert.equal(await engine.isAllowed('user:maya', 'db-prod:admin'), false);
  for (let minute = 0; minute < 5; minute++) {
    await sweep();
    await clock.advance('1m');
  }
  const [failed] = await members.failed({ subject: 'user:maya' });
  assert.ok(failed);
  console.log(
    `failed after ${failed.failures} calls (${failed.problem}): should be a member ${failed.held}, is one ${isMember()}`,
  );

  // It is up again. An operator who has seen the list has every change applied once more.
  directory.isDown = false;
  const { applied, unapplied } = await members.resync();
  console.log(
    `applied: ${applied}, not applied: ${unapplied.length}; a member ${isMember()}`,
  );
  assert.deepEqual(
    [applied, unapplied, isMember(), await members.failed()],
    [1, [], false, []],
  );

  for await (const entry of readJournal(store)) {
    if (entry.type.startsWith('provisioning.'))
      console.log(formatEntry(entry));
  }
}

void main();
