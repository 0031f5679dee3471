import { root } from '../docs/pages.js';
import { modules } from '../figures/modules.js';
import { matching } from './globs.js';
import { roomOf, type Room } from './rooms.js';

const { default: options } = (await import(`${root}.ci/mutation/stryker.config.js`)) as { default: { readonly mutate: readonly string[] } };

/** The globs in stryker.config.js. */
export const CHANGED = options.mutate;

/** The files that these globs select, from the root on. */
export const changedFiles: readonly string[] = modules
  .map((module) => `src/${module}.ts`)
  .filter((path) => CHANGED.some((glob) => matching(glob, [path]).length > 0));

/** Those of them that are in one of the rooms. */
export const filesIn = (rooms: readonly Room[]): string[] =>
  changedFiles.filter((path) => rooms.some((room) => room === roomOf(path.slice('src/'.length))));
