import { useMemo, useSyncExternalStore } from 'react';
import type { AccessResult, InboxItem } from '../../engine/answers.js';
import type { AccessClient, OwnStatus } from '../client/access-client.js';
import type { ApproveInput, DenyInput } from '../client/inputs.js';
import { LiveValue, LOADING, type Live, type Source } from './live-value.js';

/** What `useAccess` returns. */
export interface Access extends Live<OwnStatus> {
  /** Reads the status again now, and follows the events again if their stream has ended. */
  readonly refresh: () => void;
}

/** What `useInbox` returns. */
export interface Inbox extends Live<readonly InboxItem[]> {
  /** Reads the inbox again now, and follows the events again if their stream has ended. */
  readonly refresh: () => void;
  /** Approves a request, then reads the inbox again. @throws as `client.approve` */
  readonly approve: (requestId: string, approval?: ApproveInput) => Promise<AccessResult>;
  /** Denies a request, then reads the inbox again. @throws as `client.deny` */
  readonly deny: (requestId: string, denial?: DenyInput) => Promise<AccessResult>;
}

/** Time changes a status at `changesAt`, which is a reading of the engine's clock, as is `at`. */
const STATUS: Source<OwnStatus> = {
  read: (client, signal) => client.status({ signal }),
  changesAfter: ({ at, changesAt }) => (changesAt === undefined ? undefined : changesAt - at),
};

/** The most requests of an inbox that are shown. If there are more, the first due come first. */
const MAX_SHOWN = 1_000;
const INBOX: Source<readonly InboxItem[]> = {
  read: async (client, signal) => {
    const items: InboxItem[] = [];
    for await (const item of client.inbox({}, { signal })) if (items.push(item) === MAX_SHOWN) break;
    return items;
  },
};

/** A value for each client: components that show the same one share its reads. */
const statuses = /* @__PURE__ */ new WeakMap<AccessClient, LiveValue<OwnStatus>>();
const inboxes = /* @__PURE__ */ new WeakMap<AccessClient, LiveValue<readonly InboxItem[]>>();

function useValue<T>(values: WeakMap<AccessClient, LiveValue<T>>, client: AccessClient, source: Source<T>) {
  const value = values.get(client) ?? new LiveValue(client, source);
  values.set(client, value);
  const live: Live<T> = useSyncExternalStore(value.subscribe, value.get, () => LOADING);
  return { value, live };
}

/**
 * The access of the caller, for `<jit-badge>` and for buttons. It is read again after each event that concerns the caller, and when time
 * changes it. Make the client once, outside of the component. On a server it is loading.
 *
 * It displays access and never decides it: protect the resource on the server.
 *
 * @example
 * const { data, error } = useAccess(client);
 * const text = error === undefined ? data?.badge.text : 'access cannot be shown now';
 */
export function useAccess(client: AccessClient): Access {
  const { value, live } = useValue(statuses, client, STATUS);
  return useMemo(() => ({ ...live, refresh: value.refresh }), [live, value]);
}

/**
 * The requests that the caller may review now, the first due first: at most 1,000. They are read again after each event that concerns
 * the caller. Make the client once, outside of the component. On a server it is loading.
 */
export function useInbox(client: AccessClient): Inbox {
  const { value, live } = useValue(inboxes, client, INBOX);
  return useMemo(() => {
    const { refresh } = value;
    const approve: Inbox['approve'] = (requestId, approval) => client.approve(requestId, approval).finally(refresh);
    const deny: Inbox['deny'] = (requestId, denial) => client.deny(requestId, denial).finally(refresh);
    return { ...live, refresh, approve, deny };
  }, [client, live, value]);
}
