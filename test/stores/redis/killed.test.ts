import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { JitEngine, autoApprove, verifyStore, type Row } from 'jit-access';
import { expect, it } from 'vitest';
import { openedFor } from './opened.js';
import { describeRedis } from './server.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const WORKERS = 3;

describeRedis('processes that share a namespace in Redis', (server) => {
  const { store, after } = openedFor(server);

  /** Starts one, and kills it when it has told so many things. */
  async function killedAfter(count: number, namespace: string, name: string): Promise<string[]> {
    const worker = spawn(process.execPath, ['--import', 'tsx', 'test/stores/redis/worker.ts', server().url, namespace, name], {
      cwd: root,
      env: { ...process.env, TSX_TSCONFIG_PATH: 'test/tsconfig.json' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    after(() => worker.kill('SIGKILL'));
    let told = '';
    worker.stdout.on('data', (data) => {
      told += String(data);
      if (told.split('\n').length > count) worker.kill('SIGKILL');
    });
    await once(worker, 'close');
    // What stands behind the last line end was not told whole.
    return told.split('\n').slice(0, -1);
  }

  it('L32 leave all that was acknowledged, and nothing in part, when each is killed with -9 at another moment', async () => {
    const opened = await store();
    const { namespace } = opened.store;
    const told = (await Promise.all(Array.from({ length: WORKERS }, (_, i) => killedAfter(10 + 7 * i, namespace, `w${i}`)))).flat();
    expect(told.length).toBeGreaterThanOrEqual(10 + 17 + 24);

    // Every row has its entries, and every entry its rows.
    expect(await verifyStore(opened.store)).toMatchObject({ ok: true });
    const grants = new Map<string, Row[]>();
    for (const row of (await opened.store.find({ kind: 'grant', limit: 1_000 })).items) {
      const request = row.id.replace(/\.\d+$/, '');
      grants.set(request, [...(grants.get(request) ?? []), row]);
    }
    // L10: both scopes of a request or none, those of the last moment too.
    for (const rows of grants.values()) expect(rows).toHaveLength(2);
    const engine = new JitEngine({ store: opened.store, approver: autoApprove(() => false) });
    for (const line of told) {
      const [what, request = ''] = line.split(' ');
      const rows = grants.get(request) ?? [];
      expect(rows).toHaveLength(2);
      if (what !== 'revoked') continue;
      // L12: whatever process died since.
      for (const { subject = '', scope = '' } of rows) expect(await engine.isAllowed(subject, scope)).toBe(false);
    }
    await engine.close();
  });
});
