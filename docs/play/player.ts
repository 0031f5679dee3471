import { look, type Question, type Scene } from './world/scene.js';
import type { Scenario, Step } from './world/scenario.js';
import { World, type Act } from './world/world.js';

/** How long the page shows the way from one step to the next, independent of the time between them. */
const TRAVEL_MS = 1_200;
/** The time to read the sentence of a step: a fixed part, and a part for each character. */
const READ_MS = 1_600;
const READ_CHARACTER_MS = 30;

export const SPEEDS = [0.5, 1, 2, 4] as const;

export interface PlayerOptions {
  readonly scenario: Scenario;
  readonly question: Question;
  readonly seedIds: (seed: string) => void;
  /** Whether to jump from step to step instead of gliding. */
  readonly isStill: () => boolean;
  /** Receives the new scene when it has changed. */
  readonly onScene: (scene: Scene) => void;
  /** Called when it starts or stops playing, or its speed changes. */
  readonly onPace: () => void;
}

/** Play, pause, step, speed, scrub: says where in a scenario to be, and has the world go there. */
export class Player {
  readonly #options: PlayerOptions;
  #scenario: Scenario;
  #question: Question;
  #acts: readonly Act[] = [];
  #steps: readonly Step[] = [];
  #world: World | undefined;
  /** Where to be: milliseconds since the scenario's begin. */
  #at = 0;
  #isPlaying = false;
  #speed: number = 1;
  /** How long the present step is still to be read. */
  #hold = 0;
  /** Where the present glide began. */
  #from = 0;
  #frameAt: number | undefined;
  #isStale = false;
  #settling: Promise<void> | undefined;

  constructor(options: PlayerOptions) {
    this.#options = options;
    this.#scenario = options.scenario;
    this.#question = options.question;
    this.choose(options.scenario);
  }

  get scenario(): Scenario {
    return this.#scenario;
  }

  get steps(): readonly Step[] {
    return this.#steps;
  }

  get at(): number {
    return this.#at;
  }

  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  get speed(): number {
    return this.#speed;
  }

  /** Whether the viewer has stepped in. */
  get acts(): readonly Act[] {
    return this.#acts;
  }

  choose(scenario: Scenario): void {
    this.#scenario = scenario;
    this.#question = { subject: scenario.subject, scope: scenario.scope };
    this.restart();
  }

  /** Forgets what the viewer has done, and goes to the begin. */
  restart(): void {
    this.#acts = [];
    this.#world = undefined;
    this.pause();
    this.#steps = this.#open().steps;
    this.seek(0);
  }

  play(): void {
    if (this.#isPlaying) return;
    if (this.#at >= this.#scenario.lastsMs) this.seek(0);
    this.#isPlaying = true;
    this.#from = this.#at;
    this.#frameAt = undefined;
    requestAnimationFrame(this.#frame);
    this.#options.onPace();
  }

  pause(): void {
    this.#isPlaying = false;
    this.#options.onPace();
  }

  setSpeed(speed: number): void {
    this.#speed = speed;
    this.#options.onPace();
  }

  /** @param at milliseconds since the begin; what lies outside of the scenario is its begin, or its end */
  seek(at: number): void {
    this.#hold = 0;
    this.#from = at;
    this.#goTo(Math.min(Math.max(0, Math.round(at)), this.#scenario.lastsMs));
  }

  stepOn(): void {
    this.pause();
    this.seek(this.#nextStop());
  }

  stepBack(): void {
    this.pause();
    this.seek(this.#steps.findLast(({ at }) => at < this.#at)?.at ?? 0);
  }

  ask(question: Question): void {
    this.#question = question;
    this.#goTo(this.#at);
  }

  /** Does something instead of the script, now. Drops what the viewer had done later, before going back. */
  act(act: Omit<Act, 'at'>): void {
    this.#acts = [...this.#acts.filter(({ at }) => at <= this.#at), { ...act, at: this.#at }];
    this.#world = undefined;
    this.#goTo(this.#at);
  }

  /** Resolves when the page shows the requested position. */
  async settled(): Promise<void> {
    while (this.#settling !== undefined) await this.#settling;
  }

  #goTo(at: number): void {
    this.#at = at;
    this.#isStale = true;
    this.#settling ??= this.#settle();
  }

  /** One at a time: a position that is asked for in the meantime follows, and those in between are skipped. */
  async #settle(): Promise<void> {
    try {
      while (this.#isStale) {
        this.#isStale = false;
        let world = this.#world;
        if (world === undefined || world.at > this.#at) world = this.#open();
        this.#world = world;
        await world.goTo(this.#at);
        const scene = await look(world, this.#question);
        if (world === this.#world) this.#options.onScene(scene);
      }
    } finally {
      this.#settling = undefined;
    }
  }

  #open(): World {
    return new World(this.#scenario, { seedIds: this.#options.seedIds, acts: this.#acts });
  }

  #nextStop(): number {
    return this.#steps.find(({ at }) => at > this.#at)?.at ?? this.#scenario.lastsMs;
  }

  readonly #frame = (now: number): void => {
    if (!this.#isPlaying) return;
    const elapsed = this.#frameAt === undefined ? 0 : (now - this.#frameAt) * this.#speed;
    this.#frameAt = now;
    if (this.#hold > 0) this.#hold -= elapsed;
    else this.#glide(elapsed);
    if (this.#isPlaying) requestAnimationFrame(this.#frame);
  };

  #glide(elapsed: number): void {
    const stop = this.#nextStop();
    const glided = this.#at + Math.max(1, Math.round((elapsed * (stop - this.#from)) / TRAVEL_MS));
    const at = this.#options.isStill() ? stop : Math.min(stop, glided);
    this.#goTo(at);
    if (at < stop) return;
    this.#from = at;
    const step = this.#steps.find((one) => one.at === at);
    if (step === undefined) this.pause();
    else this.#hold = READ_MS + READ_CHARACTER_MS * step.says.length;
  }
}
