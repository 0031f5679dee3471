import type { JitEngine, JitEngineOptions } from 'jit-access';
import type { ManualClock } from 'jit-access/testing';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

/** What a scenario's steps are made from. */
export interface OnStage {
  /** The engine itself; what is called on it is noted, so that it can be shown. */
  readonly engine: JitEngine;
  /** Gives a feature of which each call is noted, too. */
  readonly noted: <T extends object>(verbs: T) => T;
  readonly clock: ManualClock;
  /** When the scenario begins, by the clock. Epoch milliseconds. */
  readonly begin: number;
}

/** One action of a person. */
export interface Step {
  /** When, in milliseconds since the scenario's begin. No two steps share an instant. */
  readonly at: number;
  /** One sentence for a reader who is new to the subject. */
  readonly says: string;
  /** The calls. Its text, from the scenario's own file, is what the page shows: so it is a block, with nothing around it. */
  readonly run: () => Promise<void>;
  /** What the last of its calls answers, in a word (see `wordOf`), as long as the viewer does not step in. */
  readonly expects: string;
}

export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** What it shows, in a sentence. */
  readonly about: string;
  /** The text of the scenario's own file. */
  readonly source: string;
  /** When it begins, by the clock of the viewer. */
  readonly begin: { readonly hour: number; readonly minute: number };
  /** How long it is, in milliseconds. */
  readonly lastsMs: number;
  readonly subject: string;
  /** What the probe asks about at first. */
  readonly scope: string;
  /** Whose inboxes are on the stage. */
  readonly reviewers: readonly string[];
  /** How many lanes the time line has: one for each scope of each request. */
  readonly windows: number;
  /** Without a sweeper nothing records what time has ended, unless a step sweeps. */
  readonly sweeper: boolean;
  readonly options: () => Omit<JitEngineOptions, 'clock' | 'store' | 'onError'>;
  readonly steps: (on: OnStage) => readonly Step[];
}
