/** A moment shorter than any timer. */
export function spin(microseconds: number): void {
  const until = process.hrtime.bigint() + BigInt(microseconds) * 1_000n;
  while (process.hrtime.bigint() < until);
}
