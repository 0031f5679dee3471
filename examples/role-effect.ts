import assert from 'node:assert/strict';
import { formatEntry, JitEngine, MemoryGrantStore, reviewers, type CoverageChange } from 'jit-access';
import { readJournal } from 'jit-access/journal';
import { ManualClock } from 'jit-access/testing';

/** A system outside that has roles, and is down now and then. */
class Directory {
  readonly members = new Set<string>();
  isDown = false;
  /** What it has seen last of each member: a call that was held up is older, and must change nothing. */
  readonly #seen = new Map<string, number>();

  setMember(subject: string, isMember: boolean, seq: number): void {
    if (this.isDown) throw Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
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
  const engine = new JitEngine({ clock, store, approver: reviewers({ members: ['user:sam'] }) });
  engine.onCoverage({
    name: 'directory',
    scopes: ['db-prod:admin'],
    tries: 3,
    // Not what has happened but how it is: set it so, whatever was before.
    apply: ({ subject, held, seq }: CoverageChange) => directory.setMember(subject, held, seq),
  });
  const isMember = () => directory.members.has('user:maya');
  /** What a sweeper does every so often. The end of a window reaches the directory with it, not by itself. */
  const sweep = async () => {
    await engine.sweep();
    await engine.flushAudit();
  };

  const asked = await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:admin', ttl: '15m' });
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
  const [stuck] = await engine.stuckEffects();
  assert.ok(stuck);
  console.log(`stuck after ${stuck.failures} calls (${stuck.problem}): should be a member ${stuck.held}, is one ${isMember()}`);
  const { stuck: shown } = await engine.status('user:maya');
  assert.deepEqual(shown, [stuck]);

  // It is up again. Somebody who has seen the list has everything told once more.
  directory.isDown = false;
  const { told, untold } = await engine.resync();
  console.log(`told: ${told}, not told: ${untold.length}; a member ${isMember()}`);
  assert.deepEqual([told, untold, isMember(), await engine.stuckEffects()], [1, [], false, []]);

  for await (const entry of readJournal(store)) {
    if (entry.type.startsWith('provisioning.')) console.log(formatEntry(entry));
  }
}

void main();
