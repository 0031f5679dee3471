import { describe, expect, it } from 'vitest';
import { CopiedSources, deletionOf, featureInDocs, features } from './copied-sources.js';

/** Rooms that may import a feature and are removed with it: other features, guards, the contract of guards, and the two programs. */
const MAY_COMPOSE = /^(features|guards|testing\/guard|console\/app|cli)\//;

describe('deleting the folder of a feature deletes the feature', () => {
  it.each(features)('%s: only other features, guards, programs and entries import it', (feature) => {
    const { composing, doors, narrowed } = deletionOf([feature]);
    expect(composing.filter((module) => !MAY_COMPOSE.test(module))).toEqual([]);
    expect([...doors, ...Object.keys(narrowed)]).not.toEqual([]);
  });

  it('without any feature, the rest builds and loads, with the feature that the docs add; [A35] helpers of tsc are bundled', async () => {
    const files = featureInDocs();
    expect(Object.keys(files)).toEqual(['src/features/expiring/expiring.ts', 'src/expiring.ts']);
    using sources = new CopiedSources();
    sources.delete(deletionOf(features));
    sources.add({ ...files, 'src/helped.ts': HELPED });
    expect(await sources.build(PROGRAM)).toBe('db-prod:read\nended, with imports of tslib in 0 files\n');
  });
});

/** For `using`, tsc imports a helper from tslib. */
const HELPED = `
export function helped(): string {
  const said: string[] = [];
  {
    using _ = { [Symbol.dispose]: () => void said.push('ended') };
  }
  return said.join();
}
`;

/** Two grants, of which one ends within the next quarter of an hour. Then the helper, and which files import tslib. */
const PROGRAM = `
const { JitEngine, MemoryGrantStore, autoApprove } = await import('./dist/index.js');
const { ManualClock } = await import('./dist/testing.js');
const { expiringGrants } = await import('./dist/expiring.js');
const engine = new JitEngine({ store: new MemoryGrantStore(), approver: autoApprove(() => true), clock: new ManualClock() });
for (const [scope, ttl] of [['db-prod:read', '10m'], ['db-prod:write', '2h']])
  await engine.requestAccess({ subject: 'user:maya', scope, ttl, justification: 'INC-1' });
const expiring = await expiringGrants(engine, { within: '15m' });
console.log(expiring.map(({ scope }) => scope).join());
const { helped } = await import('./dist/helped.js');
const { readdirSync, readFileSync } = await import('node:fs');
const files = readdirSync('dist').filter((file) => /\\.c?js$/.test(file)).map((file) => readFileSync('dist/' + file, 'utf8'));
console.log(helped() + ', with imports of tslib in ' + files.filter((text) => /"tslib"/.test(text)).length + ' files');
`;
