/*
 * The clock of the bench: the CPU time of this process. On a quiet machine it is the time that passes. On a busy one it omits
 * the time in which other programs have the core, which would hide a ratio.
 */

/** @returns a function that returns the milliseconds since */
export function cpuTime(): () => number {
  const started = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1_000;
  };
}
