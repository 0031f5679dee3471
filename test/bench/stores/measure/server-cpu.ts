import { readFileSync } from 'node:fs';
import type { Postgres } from '../../../stores/sql/postgres.js';

/** CPU time of a PostgreSQL server with all its processes so far, in milliseconds. `undefined`: it runs on another machine or system. */
export async function serverCpuMs(server: Postgres): Promise<number | undefined> {
  if (!['127.0.0.1', 'localhost'].includes(new URL(server.url).hostname)) return undefined;
  const found = await server.sql<{ pid: number }>('select pid from pg_stat_activity');
  const times = found.flatMap(({ pid }) => cpuTimeOf(pid) ?? []);
  const first = cpuTimeOf(times[0]?.parent ?? 0);
  return first && times.reduce((sum, { own }) => sum + own, first.own + first.ended);
}

interface CpuTime {
  readonly parent: number;
  readonly own: number;
  /** Of the children that have ended. */
  readonly ended: number;
}

/** In milliseconds. Linux counts in hundredths of a second. `undefined`: the process has ended, or this is another system. */
function cpuTimeOf(pid: number): CpuTime | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    if (!stat.includes('(postgres)')) return undefined;
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [parent = 0, user = 0, system = 0, childUser = 0, childSystem = 0] = [1, 11, 12, 13, 14].map((i) => fields[i]);
    return { parent, own: 10 * (user + system), ended: 10 * (childUser + childSystem) };
  } catch {
    return undefined;
  }
}
