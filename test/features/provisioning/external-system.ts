import { expect } from 'vitest';
import type { DesiredState, ProvisioningTarget } from 'jit-access/provisioning';
import type { GrantStore, JitEngine } from '../../../src/index.js';
import { decodeProvisioningChange, type ProvisioningChange } from '../../../src/records/index.js';

/**
 * An external system with roles. As a real one would, it keeps the state of the latest call, in the order in which
 * calls arrive. It refuses nothing, so that no test depends on its help.
 */
export class Roles {
  readonly held = new Set<string>();
  readonly calls: Pick<DesiredState, 'subject' | 'scope' | 'held' | 'seq' | 'id'>[] = [];
  /** How many of the next calls fail. */
  failing = 0;
  /** Called before the role is changed. A promise delays the call there. */
  before: ((change: DesiredState) => Promise<void> | void) | undefined;

  readonly apply = async (change: DesiredState): Promise<void> => {
    const { subject, scope, held, seq, id } = change;
    this.calls.push({ subject, scope, held, seq, id });
    await this.before?.(change);
    if (this.failing > 0) {
      this.failing -= 1;
      throw Object.assign(new Error('the password is hunter2'), { code: 'ECONNREFUSED' });
    }
    if (held) this.held.add(`${subject} ${scope}`);
    else this.held.delete(`${subject} ${scope}`);
  };

  /** The calls in short. */
  get told(): readonly string[] {
    return this.calls.map(({ subject, scope, held }) => `${held ? '+' : '-'} ${subject} ${scope}`);
  }
}

/** A target with roles for the scopes. */
export const rolesTarget = (roles: Roles, over: Partial<ProvisioningTarget> = {}): ProvisioningTarget => ({
  name: 'roles',
  scopes: ['db-prod:write', 'db-prod:read'],
  apply: roles.apply,
  ...over,
});

/** Has the engine record the ends that time has caused and deliver all entries, until no delivery is in flight. */
export async function settle(engine: JitEngine): Promise<void> {
  await engine.sweep();
  await engine.flushAudit();
}

export async function changesOf(store: GrantStore): Promise<readonly ProvisioningChange[]> {
  const { items } = await store.find({ kind: 'provisioning', limit: 100 });
  return items.map(decodeProvisioningChange);
}

export async function theChange(store: GrantStore): Promise<ProvisioningChange> {
  const changes = await changesOf(store);
  expect(changes).toHaveLength(1);
  return changes[0] as ProvisioningChange;
}
