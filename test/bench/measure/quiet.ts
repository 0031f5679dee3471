import { once } from 'node:events';
import { cpus } from 'node:os';
import { Worker } from 'node:worker_threads';

const SPIN_MS = 500;
/** Of the CPU time that the machine has. With less, other programs decide what the bench prints. */
const QUIET = 0.9;
const TRIES = 3;
const PAUSE_MS = 2_000;

const shares: number[] = [];

/**
 * Notes which share of the machine is left for the bench. Call it before and after each task, while no server of the bench runs. A
 * moment of other work does not count: only what is still there seconds later.
 */
export async function probe(): Promise<number> {
  let share = await spin();
  for (let tries = 1; tries < TRIES && share < QUIET; tries++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    share = Math.max(share, await spin());
  }
  shares.push(share);
  return share;
}

/** The part of the CPU time of all cores that a thread for each of them gets. */
async function spin(): Promise<number> {
  const text = `const end = Date.now() + ${SPIN_MS}; while (Date.now() < end);`;
  const cores = cpus().length;
  const cpu = process.cpuUsage();
  const began = performance.now();
  await Promise.all(Array.from({ length: cores }, () => once(new Worker(text, { eval: true }), 'exit')));
  const { user, system } = process.cpuUsage(cpu);
  return Math.min(1, (user + system) / 1_000 / ((performance.now() - began) * cores));
}

export const isQuiet = (share = Math.min(...shares)): boolean => share >= QUIET;

/** What the tables say about the load of the machine. */
export function loadLine(): string {
  const least = `${Math.round(100 * Math.min(...shares))} %`;
  if (isQuiet()) return `Other programs left at least ${least} of the CPU to the bench.`;
  return `**The machine was loaded: other programs left only ${least} of the CPU to the bench. Compare none of these figures.**`;
}
