import { createHook } from 'node:async_hooks';

/** The promises that a call creates until it returns. */
export function promisesOf(call: () => unknown): number {
  let promises = 0;
  const hook = createHook({ init: (_, type) => void (type === 'PROMISE' && (promises += 1)) }).enable();
  try {
    void call();
  } finally {
    hook.disable();
  }
  return promises;
}
