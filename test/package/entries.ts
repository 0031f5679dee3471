import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The repository, wherever a test is started. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

interface Conditions {
  readonly types: string;
  readonly default: string;
}

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly import: Conditions; readonly require: Conditions }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export const manifest = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as Manifest;

/** Each entry point with code: `jit-access/testing` is the subpath `./testing`, the file name `testing`. */
export const entries = Object.entries(manifest.exports).flatMap(([subpath, conditions]) =>
  typeof conditions === 'string'
    ? []
    : [{ subpath, specifier: subpath.replace(/^\./, 'jit-access'), name: subpath === '.' ? 'index' : subpath.slice(2), conditions }],
);
