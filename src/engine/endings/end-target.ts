import type { Row } from '../../core/store-port.js';
import type { AccessRequest, Grant } from '../../records/index.js';

/** The records of a target, read again at each pass. */
export interface EndTarget {
  /** The scope or pattern of the target; absent: it has none. */
  readonly scope?: string;
  /** @throws NotFoundError if the target is a request that is missing */
  requests(): AsyncIterable<readonly Row[]>;
  grants(): AsyncIterable<readonly Row[]>;
  readonly isRequest: (request: AccessRequest) => boolean;
  readonly isGrant: (grant: Grant) => boolean;
  /** Whether the records must still be ended: asked before each page. Default: yes. */
  readonly isMeant?: () => Promise<boolean>;
  /** Whether extensions of its grants may lie outside of it. They end with these grants. */
  readonly isChained?: true;
  /** Whether an unreadable row may belong to the target. */
  readonly mayBeGrant: (row: Row) => boolean;
}
