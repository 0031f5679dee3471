/** The keys of a namespace, and the channel on which its new heads are told. */
export interface Keys {
  /**
   * hash: the layout's version; `seq` and `hash` of the newest entry; `startSeq` and `startHash` of the one before the oldest;
   * `dropped`, up to which trimmed entries are deleted; `rows`, `lines`, `fields`, `ids`: how much the other keys hold.
   */
  readonly head: string;
  /** hash: kind and id -> row. */
  readonly rows: string;
  /** sorted set of lines, all with score 0, so that they lie in the order of their bytes: by what rows are found. */
  readonly index: string;
  /** hash: subject and scope -> the kinds and ids of the live rows, never the rows themselves. */
  readonly live: string;
  /** hash: seq -> entry. */
  readonly journal: string;
  /** sorted set: id of a change -> seq of its last entry. */
  readonly changes: string;
  readonly channel: string;
}

/**
 * All begin with one hash tag, so that they lie in one slot of a cluster, where alone a script may reach them all.
 * Injective: what stands before and behind the namespace is fixed, and has no part of it.
 */
export function keysOf(namespace: string): Keys {
  const key = (name: string) => `{jit:${namespace}}:${name}`;
  return {
    head: key('head'),
    rows: key('rows'),
    index: key('index'),
    live: key('live'),
    journal: key('journal'),
    changes: key('changes'),
    channel: key('moved'),
  };
}
