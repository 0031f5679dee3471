import { cpus } from 'node:os';

/** Bytes of the heap that are in use, after garbage has been collected. */
export function heapOf(): number {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error('run with node --expose-gc, as npm run bench does');
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}

/** The median of seven rounds, after one to warm up, in nanoseconds for each call. */
export async function nsPerCall(calls: number, call: (i: number) => Promise<unknown>): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < 8; round++) {
    const started = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) await call(i);
    if (round > 0) rounds.push(Number(process.hrtime.bigint() - started) / calls);
  }
  return rounds.sort((a, b) => a - b)[3] as number;
}

/** Prints a Markdown table, and the machine it comes from. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`${markdown(head, rows)}\n\n${machine()}`);
}

export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

export const machine = (): string => `${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown make'}, Node ${process.version}`;
