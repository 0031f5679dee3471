import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { ReadonlySignal, Signal } from '@preact/signals';
import type { AccessClient, OwnStatus } from '../../../client.js';
import type { Drafts } from './drafts.js';
import type { PageOptions } from './options.js';
import type { ReadModel } from './read-model.js';
import type { Router } from './router.js';
import type { Change, PersonInfo, Waiting } from './types.js';

/** What every view has. It belongs to one caller: another one gets another page. */
export interface Console extends Pick<Router, 'href' | 'navigate' | 'route'> {
  readonly client: AccessClient;
  /** The answers that the page shows. */
  readonly model: ReadModel;
  /** The id of the viewer. */
  readonly caller: string;
  readonly options: PageOptions;
  /** Whether the page shows no action. */
  readonly readOnly: boolean;
  /**
   * Whether `GET /me/views` permits an action without a target, such as `listLocks`. A hint for what to show, not a right. `patterns`:
   * whether lists take a `pattern`.
   */
  readonly permits: (action: string) => boolean;
  /** What the viewer holds now, as last read. */
  readonly status: ReadonlySignal<OwnStatus>;
  /** How many requests wait for the viewer's review, as last read. */
  readonly waiting: Signal<Waiting | undefined>;
  readonly drafts: Drafts;
  /** What the API has said of people so far, by id. */
  readonly people: ReadonlySignal<ReadonlyMap<string, PersonInfo>>;
  /** Takes the `people` of an answer. The model does it by itself. */
  readonly learn: (people: Readonly<Record<string, PersonInfo | undefined>> | undefined) => void;
  /** Calls with each change, until the function that it returns is called. */
  readonly onChange: (listener: (change: Change) => void) => () => void;
  /** Calls when this caller's page ends, so that none of its calls is sent later. */
  readonly onEnd: (listener: () => void) => void;
  /** Says a text to a screen reader, politely, with others of the same second. */
  readonly announce: (text: string) => void;
  /** Opens the other sign-in that a refusal `insufficient_user_authentication` asks for. `false`: the service names none. */
  readonly stepUp: (more: { readonly acrValues?: string | undefined; readonly maxAge?: number | undefined }) => boolean;
  /** Drops everything and starts the page again: another person has signed in. */
  readonly restart: () => void;
}

export const ConsoleContext = createContext<Console | undefined>(undefined);

/** @throws Error outside the frame */
export function useConsole(): Console {
  const console = useContext(ConsoleContext);
  if (console === undefined) throw new Error('no console around this part');
  return console;
}
