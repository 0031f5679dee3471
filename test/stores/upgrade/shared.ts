import { expect } from 'vitest';
import type { VersionedProcess } from './processes.js';
import type { Version } from './versions.js';

/**
 * Runs the released version and these sources side by side, under kills: neither may lose what the other has acknowledged, nor find a row
 * that it cannot read.
 *
 * @param processes all that `start` has started
 */
export async function expectShared(
  start: (name: Version) => Promise<VersionedProcess>,
  processes: readonly VersionedProcess[],
): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const both = [await start('released'), await start('this')];
    const running = both.map((one) => one.tell({ do: 'run', count: 10_000 }));
    await Promise.all(both.map((one) => one.hasDone(150)));
    for (const one of both) await one.kill();
    await Promise.all(running);
  }
  const acks = processes.flatMap((one) => one.acks);
  expect(acks.length).toBeGreaterThan(150);
  for (const name of ['released', 'this'] as const) {
    const one = await start(name);
    const head = (await one.tell({ do: 'head' })) as number;
    expect(await one.tell({ do: 'run', count: 50 })).toBe(50);
    expect(await one.tell({ do: 'judge', head: head + 10_000, acks })).toEqual([]);
  }
}
