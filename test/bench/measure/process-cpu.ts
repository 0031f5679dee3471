import { readFileSync } from 'node:fs';

export interface ProcessCpu {
  readonly name: string;
  readonly parent: number;
  /** Milliseconds. */
  readonly own: number;
  /** Of the children that have ended. Milliseconds. */
  readonly ended: number;
}

/** CPU time of another process. Linux counts in hundredths of a second. `undefined`: the process has ended, or this is another system. */
export function cpuTimeOf(pid: number): ProcessCpu | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const end = stat.lastIndexOf(')');
    const fields = stat
      .slice(end + 2)
      .split(' ')
      .map(Number);
    const [parent = 0, user = 0, system = 0, childUser = 0, childSystem = 0] = [1, 11, 12, 13, 14].map((i) => fields[i]);
    const name = stat.slice(stat.indexOf('(') + 1, end);
    return { name, parent, own: 10 * (user + system), ended: 10 * (childUser + childSystem) };
  } catch {
    return undefined;
  }
}
