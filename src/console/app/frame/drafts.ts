/*
 * What a person has typed and not sent. It survives a sign-in, and belongs to one caller: another one deletes it unread.
 */

/** How long a draft is kept. Milliseconds. */
const KEPT_MS = 3_600_000;

const PREFIX = 'jit-access:draft:';

/** The parts of `sessionStorage` that are used. It throws where a browser forbids storage. */
export type DraftStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

export interface Drafts {
  /** `undefined`: there is none, or it is older than an hour. */
  read(name: string): unknown;
  /** `undefined` deletes the draft. */
  write(name: string, value: unknown): void;
  /** Deletes all drafts, of every caller. */
  clear(): void;
}

/** Deletes the drafts whose keys do not begin with `except`. */
function remove(storage: DraftStorage, except?: string): void {
  const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '');
  for (const key of keys) if (key.startsWith(PREFIX) && !(except !== undefined && key.startsWith(except))) storage.removeItem(key);
}

/** @param caller the id of the person whose drafts these are. Drafts of another caller are deleted at once */
export function draftsOf(caller: string, storage: DraftStorage, now: () => number): Drafts {
  // The id is encoded, so that no id is the beginning of another one's key.
  const own = `${PREFIX}${encodeURIComponent(caller)}:`;
  const quietly = <T>(use: () => T): T | undefined => {
    try {
      return use();
    } catch {
      // A full or forbidden storage: a page without drafts works too.
      return undefined;
    }
  };
  quietly(() => {
    remove(storage, own);
  });
  return {
    read: (name) =>
      quietly(() => {
        const { at, value } = JSON.parse(storage.getItem(own + name) ?? '{}') as { at?: number; value?: unknown };
        const age = at === undefined ? Infinity : now() - at;
        if (age >= 0 && age < KEPT_MS) return value;
        storage.removeItem(own + name);
        return undefined;
      }),
    write: (name, value) => {
      quietly(() => {
        if (value === undefined) storage.removeItem(own + name);
        else storage.setItem(own + name, JSON.stringify({ at: now(), value }));
      });
    },
    clear: () => {
      quietly(() => {
        remove(storage);
      });
    },
  };
}
