import { expect, it } from 'vitest';
import { named, programs, runPacked } from '../docs/run-packed.js';
import { describeRuntime } from './runtimes.js';

describeRuntime('node-24', '[NC1] the programs of the docs that need a newer Node run, with the packed package', (node) => {
  it.each(programs.filter(({ code }) => code.includes(" from 'node:sqlite';")).map(named))('%s', async (_, block) => {
    const after = "console.log((await store.get([{ kind: 'grant', id: 'g' }])).length);";
    const { code, stdout, stderr } = await runPacked(block, { after, node });
    expect([code, stdout, stderr.replace(/^\(node:\d+\) ExperimentalWarning: .*\n.*\n/, '')]).toEqual([0, '1\n', '']);
  });
});
