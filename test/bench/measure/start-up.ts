import { spawnSync } from 'node:child_process';
import { quantile } from './checks.js';

/** What a program imports to use each of them. */
const MODULES: Readonly<Record<string, string>> = {
  'jit-access': 'jit-access',
  'lru-cache': 'lru-cache',
  '@casl/ability': '@casl/ability',
  accesscontrol: 'accesscontrol',
  '@cedar-policy/cedar-wasm': '@cedar-policy/cedar-wasm/nodejs',
  casbin: 'casbin',
};

/** An empty module. */
const EMPTY = 'data:text/javascript,';

/** Milliseconds that an import takes in a fresh process, more than that of an empty module; medians of alternating rounds. */
export function timeImports(rounds: number): ReadonlyMap<string, number> {
  const times = new Map(Object.keys(MODULES).map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, module] of Object.entries(MODULES)) times.get(name)?.push(importMs(module) - importMs(EMPTY));
  }
  return new Map([...times].map(([name, ms]) => [name, quantile(ms, 0.5)]));
}

function importMs(module: string): number {
  const program = `const t = process.hrtime.bigint(); await import(${JSON.stringify(module)}); console.log(Number(process.hrtime.bigint() - t) / 1e6);`;
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}
