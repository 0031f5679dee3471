import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../stores/free-port.js';
import { cpuTimeOf } from './process-cpu.js';

const BINARY = `@cerbos/cerbos-${process.platform}-${process.arch}`;
const folder = fileURLToPath(new URL('../../../.ci/cerbos/', import.meta.url));
/** Its CPU time is read from /proc. */
export const hasCerbos = existsSync(join(folder, 'node_modules', BINARY)) && existsSync('/proc/self/stat');

/** One rule with one condition. A policy of Cerbos has no grants and no ends: it decides by what the question says. */
const POLICY = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: db
  version: default
  rules:
    - actions: ['write']
      effect: EFFECT_ALLOW
      roles: ['*']
      condition:
        match:
          expr: R.id.startsWith("prod-")
`;

/** A decision point in Go, with its own AuthZEN endpoints. No audit, no telemetry. */
export async function startCerbos() {
  const program = createRequire(join(folder, 'node_modules/cerbos/index.js')).resolve(BINARY);
  const policies = mkdtempSync(join(tmpdir(), 'jit-access-cerbos-'));
  writeFileSync(join(policies, 'db.yaml'), POLICY);
  const [port, grpc] = [await freePort(), await freePort()];
  const settings = {
    'server.httpListenAddr': `127.0.0.1:${port}`,
    'server.grpcListenAddr': `127.0.0.1:${grpc}`,
    'storage.driver': 'disk',
    'storage.disk.directory': policies,
    'telemetry.disabled': 'true',
    'audit.enabled': 'false',
  };
  const args = Object.entries(settings).map(([name, value]) => `--set=${name}=${value}`);
  const child = spawn(program, ['server', '--log-level=error', ...args], { stdio: 'ignore' });
  const stop = async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    rmSync(policies, { recursive: true });
  };
  for (let tries = 0; !(await isUp(port)); tries++) {
    if (tries === 200) {
      await stop();
      throw new Error('Cerbos did not start');
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { port, cpuUs: () => Promise.resolve(1_000 * (cpuTimeOf(child.pid ?? 0)?.own ?? NaN)), stop };
}

const isUp = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/_cerbos/health`).then(
    ({ ok }) => ok,
    () => false,
  );
