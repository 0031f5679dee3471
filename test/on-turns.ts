/**
 * Calls `begin` at each turn of the event loop while some work runs: every callback of a timer or an immediate starts one.
 * An immediate that sets itself again marks the turns of I/O.
 */
export async function onTurns(begin: () => void, work: () => Promise<unknown>): Promise<void> {
  const { setImmediate: immediate, setTimeout: timeout } = globalThis;
  const begins =
    (run: (...given: unknown[]) => unknown) =>
    (...given: unknown[]) => {
      begin();
      return run(...given);
    };
  let isOver = false;
  const tick = () => {
    if (!isOver) setImmediate(tick);
  };
  Object.assign(globalThis, {
    setImmediate: (run: () => unknown, ...rest: never[]) => immediate(begins(run), ...rest),
    setTimeout: (run: () => unknown, ...rest: never[]) => timeout(begins(run), ...rest),
  });
  try {
    tick();
    await work();
  } finally {
    isOver = true;
    Object.assign(globalThis, { setImmediate: immediate, setTimeout: timeout });
  }
}
