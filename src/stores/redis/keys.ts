/** The keys of a namespace, and the channel for notices of new heads. */
export interface Keys {
  /**
   * hash: `version` and `readableFrom` of the layout; `seq` and `hash` of the newest entry; `startSeq` and `startHash` of the
   * entry before the oldest; `dropped`, the seq up to which trimmed entries are deleted; `rows`, `lines`, `fields`, `ids`: the
   * number of items in the other keys; `moved`: the store to which the namespace has moved, '' while it arrives here.
   * Of a contract: its layout and the last line up to which it has rewritten rows, and `writableFrom`, the oldest layout whose
   * processes may still write.
   */
  readonly head: string;
  /** hash: kind and id -> row. */
  readonly rows: string;
  /** sorted set of lines that rows are found by. All have score 0, so that Redis orders them by their bytes. */
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
 * All keys share one hash tag, so that they are in one slot of a Cluster: a script can only use keys of one slot. Injective,
 * because the text before and after the namespace is fixed and cannot occur in it.
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

/** The keys of the scripts that write rows, in their order. */
export const scriptKeys = ({ head, rows, index, live, journal, changes }: Keys): readonly string[] => [
  head,
  rows,
  index,
  live,
  journal,
  changes,
];

/** The namespace of one of its keys. */
export const namespaceOf = (key: string): string => key.slice('{jit:'.length, key.lastIndexOf('}:'));
