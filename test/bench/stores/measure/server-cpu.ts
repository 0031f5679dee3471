import type { Postgres } from '../../../stores/sql/postgres.js';
import { cpuTimeOf } from '../../measure/process-cpu.js';

/** CPU time of a PostgreSQL server with all its processes so far, in milliseconds. `undefined`: it runs on another machine or system. */
export async function serverCpuMs(server: Postgres): Promise<number | undefined> {
  if (!['127.0.0.1', 'localhost'].includes(new URL(server.url).hostname)) return undefined;
  const found = await server.sql<{ pid: number }>('select pid from pg_stat_activity');
  const times = found.flatMap(({ pid }) => postgresTimeOf(pid) ?? []);
  const first = postgresTimeOf(times[0]?.parent ?? 0);
  return first && times.reduce((sum, { own }) => sum + own, first.own + first.ended);
}

function postgresTimeOf(pid: number) {
  const time = cpuTimeOf(pid);
  return time?.name === 'postgres' ? time : undefined;
}
