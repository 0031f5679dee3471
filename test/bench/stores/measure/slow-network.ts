import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A network that delays every piece on its way to the server, in a separate process, so that it costs this one no time. */
export interface SlowNetwork {
  readonly port: number;
  close(): Promise<void>;
}

/** @param delayMs how long each piece is delayed, in milliseconds; answers are not delayed */
export async function slowNetwork(host: string, port: number, delayMs: number): Promise<SlowNetwork> {
  const child = fork(fileURLToPath(new URL('slow-network-worker.ts', import.meta.url)), [host, String(port), String(delayMs)], {
    execArgv: ['--import', 'tsx'],
  });
  const [own] = (await once(child, 'message')) as [number];
  return {
    port: own,
    close: async () => {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}
