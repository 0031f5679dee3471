import type { JSX } from 'preact';
import type { AccessEvent } from '../../../client.js';

/**
 * The views. Each but two has its name as its address: `access` is the page at the base itself, and `request` is `requests/<id>`.
 */
export const VIEWS = ['access', 'ask', 'inbox', 'request', 'live', 'break-glass', 'history', 'report', 'journal'] as const;

export type ViewName = (typeof VIEWS)[number];

/** What an address names: a view, the record in it, and its filters. */
export interface Route {
  readonly view: ViewName;
  /** The id in `requests/<id>`. `undefined`: none. */
  readonly id: string | undefined;
  readonly query: URLSearchParams;
}

export interface ViewProps {
  readonly route: Route;
}

export type View = (props: ViewProps) => JSX.Element;

/** What `people` of the API says of an id. */
export interface PersonInfo {
  readonly name: string;
  readonly detail?: string | undefined;
  readonly avatarUrl?: string | undefined;
}

/** An event of the page's subscription. `ready` and `reset`: read everything again. */
export type Change = Pick<AccessEvent, 'type' | 'requestId' | 'grantId'>;

/** How many requests wait for the viewer's review. `isMore`: at least so many. `null`: the API refuses to say, and is not asked again. */
export type Waiting = { readonly count: number; readonly isMore: boolean } | null;
