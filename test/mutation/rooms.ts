/** A part of the core that has a score of its own. */
export interface Room {
  readonly name: string;
  /** Its parts of src: files, and folders with a slash at the end. */
  readonly holds: readonly string[];
  /** The minimum score in percent. If set, each survivor must be listed in survivors.ts. */
  readonly least?: number;
}

/** Each file belongs to the first room that contains it. */
export const ROOMS: readonly Room[] = [
  { name: 'scope', holds: ['core/scope.ts'], least: 95 },
  { name: 'time', holds: ['core/clock.ts', 'core/duration.ts', 'core/instant.ts', 'core/timers.ts', 'core/turns.ts'], least: 95 },
  { name: 'lifecycle', holds: ['lifecycle/'], least: 95 },
  // Includes the comparison of signatures: links and webhooks depend on it as the journal does.
  { name: 'journal', holds: ['journal/', 'core/mac.ts'], least: 95 },
  {
    name: 'followers',
    holds: [
      'followers/followers.ts',
      'followers/follower.ts',
      'followers/shared-cursor.ts',
      'followers/delivery.ts',
      'followers/lease.ts',
      'followers/watch.ts',
      'followers/refused-entry.ts',
    ],
    least: 95,
  },
  { name: 'records', holds: ['model/', 'records/'] },
  { name: 'engine', holds: ['kernel/', 'engine/'] },
  { name: 'features and the command line', holds: ['features/', 'cli/'] },
  { name: 'stores/memory', holds: ['stores/memory/', 'stores/judge.ts', 'stores/watchers.ts'] },
  { name: 'approvers and sinks', holds: ['approvers/', 'sinks/'] },
  { name: 'the rest', holds: [''] },
];

/** @param file from src on */
export const roomOf = (file: string): Room | undefined =>
  ROOMS.find(({ holds }) => holds.some((part) => (part === '' || part.endsWith('/') ? file.startsWith(part) : file === part)));

/** The minimum score of the core in percent. */
export const LEAST = 90;
