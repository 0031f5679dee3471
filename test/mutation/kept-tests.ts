import { relative } from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import { inject, TestRunner } from 'vitest';
import { roomOf } from './rooms.js';
import { TITLES_NOT_ASKED } from './tests.js';
import { Turns } from './turns.js';

type File = Parameters<TestRunner['onCollectStart']>[0];
type Suite = Parameters<TestRunner['onBeforeRunSuite']>[0];
type Test = Parameters<TestRunner['onAfterTryTask']>[0];

/** A question of kept.js: whether these tests find this change. */
export interface Question {
  readonly mutant: string;
  /** In which file it is. */
  readonly file: string;
  /** As Stryker names tests: their file, `#` and their whole name. */
  readonly tests: readonly string[];
  /** The most times that the changed place may run: more is an endless loop. */
  readonly hitLimit: number | undefined;
}

export interface Answer {
  readonly status: 'killed' | 'survived' | 'timeout';
  readonly ran: number;
  readonly killedBy: string;
  readonly message: string;
  /** The test that found the change fails without it too, from now on: the change has left some state. */
  readonly soiled: boolean;
}

/** What Stryker's code in the sources looks at. */
interface Switch {
  activeMutant: string | undefined;
  hitCount: number | undefined;
  hitLimit: number | undefined;
  currentTestId: string | undefined;
}

/** The real timers: tests replace them. */
const { setInterval, clearInterval, setImmediate } = globalThis;

/** How many checks in a row must find no pending work before a test counts as hanging. */
const LOOK_MS = 100;
const LOOKS = 10;
/** However busy the machine is. */
const TEST_MS = 30_000;
const HANGS = 'hangs';
const ENDLESS = 'a loop without an end';

/** This much processor time without a turn of the event loop is an endless loop, if the test normally takes less than half of it. */
const ENDLESS_MS = 3_000;
/** Reading the clock at each step would cost more than the step itself. */
const STEPS_PER_LOOK = 1 << 14;

/**
 * The processor time for the tests of one change. A change that is not found by then has survived, and its remaining
 * tests do not run. Where each survivor must be listed, only the most expensive tests have not run by then.
 */
const budgetOf = (file: string): number => (roomOf(file.replace(/^.*\/src\//, ''))?.least === undefined ? 5_000 : 20_000);

/** The tests that come last in vitest.config.ts. */
const LAST = '/test/mutation/lives.ts';

/** Keeps all collected tests, and runs those of each change in question: nothing is loaded twice. */
export default class KeptTests extends TestRunner {
  readonly #tests = new Map<string, Test[]>();
  readonly #turns = new Turns();
  /** When the event loop last turned, in {@link cpuMs}. */
  #turnedAt = Infinity;
  #isEndless = false;

  /** Called for each file. After the last file, its own tests wait until no question is left. */
  async onCollected(files: File[]): Promise<void> {
    for (const file of files) this.#keep(file);
    if (inject('keptTests' as never) && files.some(({ filepath }) => filepath.endsWith(LAST))) await this.#serve();
  }

  #keep(suite: Suite): void {
    for (const task of suite.tasks) {
      if (TITLES_NOT_ASKED.has(task.name)) task.mode = 'skip';
      else if (task.type === 'suite') this.#keep(task);
      else this.#tests.set(idOf(task), [...(this.#tests.get(idOf(task)) ?? []), task]);
    }
  }

  async #serve(): Promise<void> {
    this.#breakLoops();
    const channel = new BroadcastChannel(String(inject('keptTests' as never)));
    await new Promise<void>((resolve) => {
      channel.onmessage = (event: unknown) => {
        const { data } = event as { data: Question | 'close' };
        if (data === 'close') resolve();
        else void this.#answer(data).then((answer) => channel.postMessage(answer));
      };
      channel.postMessage('ready');
    });
    channel.close();
  }

  /**
   * Every changed place first asks whether it is active, so every step of the sources calls this: also the steps of an
   * endless loop that another place causes, which only this call can end.
   */
  #breakLoops(): void {
    const state = (globalThis as unknown as { __stryker__: Switch }).__stryker__;
    let active = state.activeMutant;
    let steps = 0;
    Object.defineProperty(state, 'activeMutant', {
      configurable: true,
      get: () => {
        if (active !== undefined && ++steps % STEPS_PER_LOOK === 0 && cpuMs() - this.#turnedAt > ENDLESS_MS) {
          this.#isEndless = true;
          throw new Error(ENDLESS);
        }
        return active;
      },
      set: (mutant: string | undefined) => (active = mutant),
    });
  }

  async #answer({ mutant, file, tests, hitLimit }: Question): Promise<Answer> {
    const wanted = new Set(tests);
    // In the order of the files, except for what is known about each.
    const ids = this.#turns.of(
      [...this.#tests.keys()].filter((id) => wanted.has(id)),
      file,
    );
    const [budget, begun] = [budgetOf(file), cpuMs()];
    let ran = 0;
    for (const id of ids) {
      if (cpuMs() - begun > budget) break;
      for (const test of this.#tests.get(id) ?? []) {
        ran += 1;
        const before = cpuMs();
        const failed = await this.#run(test, mutant, hitLimit);
        this.#turns.tried(id, cpuMs() - before, failed !== undefined);
        if (failed === undefined) continue;
        const anew = cpuMs();
        const again = await this.#run(test, undefined, undefined);
        // The test is slow without the change too, so the time proves nothing.
        if (failed.message === ENDLESS && cpuMs() - anew > ENDLESS_MS / 2) continue;
        return { ...failed, ran, killedBy: id, soiled: again !== undefined };
      }
    }
    return { status: 'survived', ran, killedBy: '', message: '', soiled: false };
  }

  /** @returns undefined if it passes */
  async #run(
    test: Test,
    mutant: string | undefined,
    hitLimit: number | undefined,
  ): Promise<{ readonly status: 'killed' | 'timeout'; readonly message: string } | undefined> {
    const state = (globalThis as unknown as { __stryker__: Switch }).__stryker__;
    const suites = suitesOf(test);
    const ends: (() => unknown)[] = [];
    const { hangs, stop } = untilHanging(() => (this.#turnedAt = cpuMs()));
    this.#turnedAt = cpuMs();
    this.#isEndless = false;
    const work = async () => {
      Object.assign(state, { activeMutant: mutant, hitCount: 0, hitLimit });
      for (const suite of suites) {
        const { beforeAll, afterAll } = TestRunner.getSuiteHooks(suite);
        ends.unshift(...afterAll.map((end) => () => end(suite)));
        for (const begin of beforeAll) collect(ends, await begin(suite));
      }
      for (const suite of suites) {
        const { beforeEach, afterEach } = TestRunner.getSuiteHooks(suite);
        ends.unshift(...[...afterEach].reverse().map((end) => () => end(test.context, suite)));
        for (const begin of beforeEach) collect(ends, await begin(test.context, suite));
      }
      // Coverage is not needed any more, and recording it would fill the memory.
      state.currentTestId = undefined;
      await TestRunner.getTestFn(test)();
    };
    let failed: { status: 'killed' | 'timeout'; message: string } | undefined;
    try {
      if ((await Promise.race([work(), hangs])) === HANGS) failed = { status: 'timeout', message: HANGS };
    } catch (error) {
      failed = { status: 'killed', message: error instanceof Error ? error.message : String(error) };
    }
    const hasHitLimit = hitLimit !== undefined && (state.hitCount ?? 0) > hitLimit;
    if (hasHitLimit || this.#isEndless) failed = { status: 'timeout', message: ENDLESS };
    for (const end of ends) {
      try {
        await Promise.race([end(), hangs]);
      } catch (error) {
        failed ??= { status: 'killed', message: String(error) };
      }
    }
    stop();
    Object.assign(state, { activeMutant: undefined, hitCount: undefined });
    // The work that the test leaves behind without the change.
    await new Promise((resolve) => setImmediate(resolve));
    return failed;
  }
}

/**
 * Resolves when no timer, no immediate and no I/O is left that was not there before: an awaited promise then never
 * settles. No test waits for real time, but on a busy machine any test may be slow.
 *
 * @param onTurn called sometimes, as long as the event loop turns
 */
function untilHanging(onTurn: () => void): { readonly hangs: Promise<typeof HANGS>; readonly stop: () => void } {
  let timer: ReturnType<typeof setInterval> | undefined;
  const hangs = new Promise<typeof HANGS>((resolve) => {
    let [all, idle] = [0, 0];
    timer = setInterval(() => {
      all += 1;
      onTurn();
      idle = process.getActiveResourcesInfo().length <= before ? idle + 1 : 0;
      if (idle >= LOOKS || all * LOOK_MS >= TEST_MS) resolve(HANGS);
    }, LOOK_MS);
  });
  const before = process.getActiveResourcesInfo().length;
  return { hangs, stop: () => clearInterval(timer) };
}

/** The processor time of this process so far, independent of other processes. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

const collect = (ends: (() => unknown)[], end: unknown): void => {
  if (typeof end === 'function') ends.unshift(end as () => unknown);
};

/** The names from the file down to the test. */
function suitesOf({ suite, file }: Test): Suite[] {
  const suites: Suite[] = [];
  for (let at = suite; at !== undefined; at = at.suite) suites.unshift(at);
  return suites[0] === file ? suites : [file, ...suites];
}

/** As Stryker makes it of a test. */
function idOf({ name, suite, file }: Test): string {
  const names = [name];
  for (let at = suite; at !== undefined; at = at.suite) names.unshift(at.name);
  return `${relative(process.cwd(), file.filepath)}#${names.join(' ').trim()}`;
}
