import { isJitError, JitEngine, MemoryGrantStore } from 'jit-access';
import { ManualClock } from 'jit-access/testing';
import { noting, type Call } from './calls.js';
import { SECOND, type Scenario, type Step } from './scenario.js';

/** How often the sweeper of a scenario runs. Off the full minutes, on which steps are: what a step shows is no sweep's doing. */
const SWEEP_EVERY_MS = 30 * SECOND;
const FIRST_SWEEP_MS = 20 * SECOND;

/** An action of the viewer, instead of the script. */
export interface Act {
  /** When, in milliseconds since the scenario's begin. */
  readonly at: number;
  readonly does: 'approve' | 'deny' | 'justified' | 'unjustified';
  readonly requestId: string;
  readonly by: string;
}

/** The result of a step, or of an action of the viewer. */
export interface Done {
  readonly at: number;
  /** What the clock read when it was done. Epoch milliseconds. */
  readonly readAt: number;
  readonly calls: readonly Call[];
}

type Event =
  | { readonly kind: 'sweep'; readonly at: number }
  | { readonly kind: 'step'; readonly at: number; readonly index: number }
  | { readonly kind: 'act'; readonly at: number; readonly act: Act };

const ORDER = { sweep: 0, step: 1, act: 2 } as const;

export interface WorldOptions {
  /** The day on which it begins. */
  readonly day?: { readonly year: number; readonly month: number; readonly date: number };
  readonly seedIds: (seed: string) => void;
  /** What the viewer has done, in order. */
  readonly acts?: readonly Act[];
}

/**
 * One playing of a scenario: an engine, its store and its clock, which go forward only. To go back is to begin another
 * world and to go to where one wants to be. Two worlds of one scenario with the same acts are the same at each instant.
 */
export class World {
  readonly scenario: Scenario;
  readonly clock: ManualClock;
  readonly store = new MemoryGrantStore();
  readonly engine: JitEngine;
  readonly steps: readonly Step[];
  readonly begin: number;
  /** The results of the steps so far. */
  readonly done: Done[] = [];
  readonly actsDone: (Done & { readonly act: Act })[] = [];
  readonly #seedIds: (seed: string) => void;
  readonly #events: readonly Event[];
  #next = 0;
  #at = 0;
  #highest: number;
  #calls: Call[] = [];

  constructor(scenario: Scenario, { seedIds, acts = [], day = { year: 2026, month: 0, date: 13 } }: WorldOptions) {
    this.scenario = scenario;
    this.#seedIds = seedIds;
    this.begin = new Date(day.year, day.month, day.date, scenario.begin.hour, scenario.begin.minute).getTime();
    this.#highest = this.begin;
    this.clock = new ManualClock(this.begin);
    seedIds(scenario.id);
    // What passes unnoticed otherwise, a clock that steps back say, is what a scenario shows: it needs no other listener.
    this.engine = new JitEngine({ ...scenario.options(), clock: this.clock, store: this.store, onError: () => undefined });
    const noted = <T extends object>(verbs: T): T => noting(verbs, (call) => this.#calls.push(call));
    this.steps = scenario.steps({ engine: noted(this.engine), noted, clock: this.clock, begin: this.begin });
    this.#events = [
      ...(scenario.sweeper ? sweepsOf(scenario.lastsMs) : []),
      ...this.steps.map(({ at }, index): Event => ({ kind: 'step', at, index })),
      ...acts.map((act): Event => ({ kind: 'act', at: act.at, act })),
    ].sort((a, b) => a.at - b.at || ORDER[a.kind] - ORDER[b.kind]);
  }

  /** How much of it has been played, in milliseconds. It keeps growing when the clock steps back. */
  get at(): number {
    return this.#at;
  }

  /** The highest that its clock has read. Epoch milliseconds. */
  get highest(): number {
    return this.#highest;
  }

  /** Plays to an instant that is not behind it, and what is due at it. */
  async goTo(at: number): Promise<void> {
    for (let event = this.#events[this.#next]; event !== undefined && event.at <= at; event = this.#events[this.#next]) {
      await this.#wait(event.at);
      this.#next++;
      await this.#happen(event);
    }
    await this.#wait(at);
  }

  async #wait(until: number): Promise<void> {
    if (until > this.#at) await this.clock.advance(until - this.#at);
    this.#at = until;
    this.#highest = Math.max(this.#highest, this.clock.now());
  }

  async #happen(event: Event): Promise<void> {
    // New for each event, so that no question asked in between, to paint the page say, changes the ids that come after.
    this.#seedIds(`${this.scenario.id} ${event.kind} ${event.at}`);
    this.#calls = [];
    if (event.kind === 'sweep') await this.engine.sweep();
    else {
      await (event.kind === 'step' ? this.#refusable(() => this.steps[event.index]?.run()) : this.#refusable(() => this.#do(event.act)));
      const done = { at: event.at, readAt: this.clock.now(), calls: this.#calls };
      if (event.kind === 'step') this.done.push(done);
      else this.actsDone.push({ ...done, act: event.act });
    }
    // A refused attempt is recorded in the background: the clock, set to where it is, lets it.
    await this.clock.set(this.clock.now());
  }

  /** A refusal is an answer, which has been noted with the call. Anything else is a fault of this page. */
  async #refusable(what: () => Promise<unknown> | undefined): Promise<void> {
    try {
      await what();
    } catch (error) {
      if (!isJitError(error)) throw error;
    }
  }

  #do({ does, requestId, by }: Act): Promise<unknown> {
    const engine = noting(this.engine, (call) => this.#calls.push(call));
    const reason = 'by you';
    if (does === 'approve') return engine.approve(requestId, { by, reason });
    if (does === 'deny') return engine.deny(requestId, { by, reason });
    return engine.reviewBreakGlass(requestId, { by, verdict: does, reason });
  }
}

function sweepsOf(lastsMs: number): Event[] {
  const sweeps: Event[] = [];
  for (let at = FIRST_SWEEP_MS; at <= lastsMs; at += SWEEP_EVERY_MS) sweeps.push({ kind: 'sweep', at });
  return sweeps;
}
