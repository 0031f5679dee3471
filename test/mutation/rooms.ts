/** A part of the core that has a score of its own. */
export interface Room {
  readonly name: string;
  /** What of src is in it: files, and folders with a slash at the end. */
  readonly holds: readonly string[];
  /** Of a hundred changes, how many at least the tests find. Set: each one that they don't is listed in survivors.ts. */
  readonly least?: number;
}

/** Each file is in the first that holds it. */
export const ROOMS: readonly Room[] = [
  { name: 'scope', holds: ['core/scope.ts'], least: 95 },
  { name: 'time', holds: ['core/time.ts', 'core/duration.ts', 'core/instant.ts'], least: 95 },
  { name: 'lifecycle', holds: ['lifecycle/'], least: 95 },
  // With what compares signatures: links and webhooks are as strict about that as the journal is.
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
  { name: 'records', holds: ['records/'] },
  { name: 'engine', holds: ['kernel/', 'engine/'] },
  { name: 'features', holds: ['features/'] },
  { name: 'stores/memory', holds: ['stores/memory/'] },
  { name: 'approvers and sinks', holds: ['approvers/', 'sinks/'] },
  { name: 'the rest', holds: [''] },
];

/** @param file from src on */
export const roomOf = (file: string): Room | undefined =>
  ROOMS.find(({ holds }) => holds.some((part) => (part === '' || part.endsWith('/') ? file.startsWith(part) : file === part)));

/** Of a hundred changes anywhere in the core. */
export const LEAST = 90;
