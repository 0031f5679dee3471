import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { quantile } from './figure.js';

/** What a program imports to use each of them. */
const MODULES: Readonly<Record<string, string>> = {
  'jit-access': 'jit-access',
  'jit-access/view': 'jit-access/view',
  'lru-cache': 'lru-cache',
  'tiny-lru': 'tiny-lru',
  '@casl/ability': '@casl/ability',
  accesscontrol: 'accesscontrol',
  '@cedar-policy/cedar-wasm': '@cedar-policy/cedar-wasm/nodejs',
  casbin: 'casbin',
};

/** CPU milliseconds of an import in a fresh process, less those of an empty file. Medians of alternating rounds. */
export function timeImports(rounds: number): ReadonlyMap<string, number> {
  const folder = mkdtempSync(join(tmpdir(), 'jit-access-empty-'));
  try {
    const file = join(folder, 'empty.mjs');
    writeFileSync(file, '');
    const empty = pathToFileURL(file).href;
    const times = new Map(Object.keys(MODULES).map((name) => [name, [] as number[]]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, module] of Object.entries(MODULES)) times.get(name)?.push(importMs(module) - importMs(empty));
    }
    return new Map([...times].map(([name, ms]) => [name, quantile(ms, 0.5)]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function importMs(module: string): number {
  const program = `const started = process.cpuUsage(); await import(${JSON.stringify(module)}); const { user, system } = process.cpuUsage(started); console.log((user + system) / 1e3);`;
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}
