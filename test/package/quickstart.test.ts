import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { blocksOf } from '../docs/pages.js';
import { describeChromium } from '../browser/chromium.js';
import { follow } from './follow.js';
import { root } from './entries.js';

/** The identity provider of the last step: its keys, and a token of one person. */
async function startProvider() {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] });
  const server: Server = createServer((_, response) => response.setHeader('content-type', 'application/json').end(jwks));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: 'k' }).setSubject('sam').setIssuer(issuer).setAudience('orders');
  const env = {
    ISSUER: issuer,
    AUDIENCE: 'orders',
    JWKS_URL: `${issuer}/keys`,
    TOKEN: await token.setExpirationTime('1h').sign(privateKey),
  };
  return { env, close: () => new Promise((resolve) => server.close(resolve)) };
}

it('[A19] the sign-in of the quickstart says what to set', () => {
  const code = blocksOf('docs/start/quickstart.md').findLast(({ saveAs }) => saveAs === 'sign-in.js')?.code ?? '';
  const { ISSUER: _, AUDIENCE: __, JWKS_URL: ___, ...env } = process.env;
  for (const set of [{}, { ISSUER: 'a', JWKS_URL: 'https://example.com' }, { ISSUER: 'a', AUDIENCE: 'b' }]) {
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: inject('installed'),
      env: { ...env, ...set },
      encoding: 'utf8',
    });
    expect(stderr).toContain('Error: set ISSUER, AUDIENCE and JWKS_URL');
  }
});

describeChromium('the quickstart', (browser) => {
  const folder = mkdtempSync(join(tmpdir(), 'jit-access-quickstart-'));
  const clock = join(folder, 'ahead');
  let provider: Awaited<ReturnType<typeof startProvider>>;
  beforeAll(async () => {
    writeFileSync(clock, '0');
    provider = await startProvider();
  });
  afterAll(async () => {
    await provider.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('[NC2] runs line by line from an empty folder, with both people in one browser, and prints what it says', async () => {
    const window = await browser.open();
    await window.context().clock.install();
    const tabOf = async (address: string): Promise<Page> => {
      const tab = await window.context().newPage();
      await tab.goto(address);
      return tab;
    };
    let maya = window;
    const badge = () => maya.locator('.badge').innerText();
    const env = {
      ...provider.env,
      JIT_TEST_AHEAD: clock,
      NODE_OPTIONS: `--import=${pathToFileURL(`${root}test/package/clock-ahead.mjs`).href}`,
    };
    await follow('docs/start/quickstart.md', env, undefined, {
      'sam approves': async ({ at }) => {
        const sam = await tabOf(`${at(3000).replace('localhost', '127.0.0.1')}/as/sam`);
        await sam.getByRole('link', { name: 'Inbox' }).click();
        // The console ignores a press on a row that has just appeared.
        await expect
          .poll(async () => {
            const approve = sam.getByRole('button', { name: /^Approve/ });
            if (await approve.isVisible()) await approve.click();
            return sam.getByRole('button', { name: 'Undo' }).isVisible();
          })
          .toBe(true);
        // It sends the decision when it can no longer be undone.
        await sam.getByText('Your approval is recorded.').waitFor();
      },
      'the badge counts down': async ({ at }) => {
        maya = await tabOf(`${at(3000)}/as/maya`);
        await expect.poll(badge).toMatch(/You hold 1 scope\s+The next window ends in 1 min \d+ sec/);
        const before = await badge();
        await expect.poll(badge).not.toBe(before);
      },
      'two minutes pass': async () => {
        // For the service and for the open page, which is not loaded again.
        writeFileSync(clock, '120000');
        await maya.clock.fastForward(120_000);
        await maya.getByText('You hold no access now.').waitFor();
      },
    });
  });
});
