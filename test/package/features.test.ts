import { afterAll, describe, expect, it } from 'vitest';
import { CopiedSources, deletionOf, featureInDocs, features } from './copied-sources.js';

/** Rooms that may import a feature and are removed with it: other features, guards, and the contract of guards. */
const MAY_COMPOSE = /^(features|guards|testing\/guard)\//;

const report: { readonly feature: string; readonly with: string; readonly doors: string; readonly seconds: number }[] = [];

describe('deleting the folder of a feature deletes the feature', () => {
  afterAll(() => console.table(report));

  it.each(features)('%s: the rest passes its type check, builds and loads', async (feature) => {
    const deletion = deletionOf(feature);
    expect(deletion.composing.filter((module) => !MAY_COMPOSE.test(module))).toEqual([]);
    const begun = performance.now();
    using sources = new CopiedSources();
    sources.delete(deletion);
    expect(await sources.build()).toBe('');
    const rooms = new Set(deletion.composing.map((module) => module.replace(/\/[^/]+$/, '')));
    const doors = [...deletion.doors, ...Object.keys(deletion.narrowed).map((door) => `${door} (in part)`)];
    const seconds = Math.round((performance.now() - begun) / 100) / 10;
    report.push({ feature, with: [...rooms].join(', '), doors: doors.join(', '), seconds });
  });
});

/** Two grants, of which one ends within the next quarter of an hour. */
const PROGRAM = `
const { JitEngine, MemoryGrantStore, autoApprove } = await import('./dist/index.js');
const { ManualClock } = await import('./dist/testing.js');
const { expiringGrants } = await import('./dist/expiring.js');
const engine = new JitEngine({ store: new MemoryGrantStore(), approver: autoApprove(() => true), clock: new ManualClock() });
for (const [scope, ttl] of [['db-prod:read', '10m'], ['db-prod:write', '2h']])
  await engine.requestAccess({ subject: 'user:maya', scope, ttl, justification: 'INC-1' });
const expiring = await expiringGrants(engine, { within: '15m' });
console.log(expiring.map(({ scope }) => scope).join());
`;

it('a feature is added as docs/explanation/architecture.md says', async () => {
  const files = featureInDocs();
  expect(Object.keys(files)).toEqual(['src/features/expiring/expiring.ts', 'src/expiring.ts']);
  using sources = new CopiedSources();
  sources.add(files);
  expect(await sources.build(PROGRAM)).toBe('db-prod:read\n');
});
