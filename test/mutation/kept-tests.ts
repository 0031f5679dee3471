import { relative } from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import { inject, TestRunner } from 'vitest';
import { roomOf } from './rooms.js';
import { TITLES_NOT_ASKED } from './tests.js';
import { Turns } from './turns.js';

type File = Parameters<TestRunner['onCollectStart']>[0];
type Suite = Parameters<TestRunner['onBeforeRunSuite']>[0];
type Test = Parameters<TestRunner['onAfterTryTask']>[0];

/** What kept.js asks: whether these tests find this change. */
export interface Question {
  readonly mutant: string;
  /** In which file it is. */
  readonly file: string;
  /** As Stryker names tests: their file, `#` and their whole name. */
  readonly tests: readonly string[];
  /** How often the changed place may be run: it is a loop without an end where that is not enough. */
  readonly hitLimit: number | undefined;
}

export interface Answer {
  readonly status: 'killed' | 'survived' | 'timeout';
  readonly ran: number;
  readonly killedBy: string;
  readonly message: string;
  /** The test that found it fails without it, too, from now on: something of the change has stayed behind. */
  readonly soiled: boolean;
}

/** What Stryker's code in the sources looks at. */
interface Switch {
  activeMutant: string | undefined;
  hitCount: number | undefined;
  hitLimit: number | undefined;
  currentTestId: string | undefined;
}

/** Real ones: tests put others in their place. */
const { setInterval, clearInterval, setImmediate } = globalThis;

/** How often it is looked whether there is anything left that could wake a test; so often in a row, and it hangs. */
const LOOK_MS = 100;
const LOOKS = 10;
/** However busy the machine is. */
const TEST_MS = 30_000;
const HANGS = 'hangs';
const ENDLESS = 'a loop without an end';

/** So much of the processor without a turn of the event loop is a loop that never ends, if the test takes less than half as much. */
const ENDLESS_MS = 3_000;
/** Looking at each is dearer than the step itself. */
const STEPS_PER_LOOK = 1 << 14;

/**
 * What the tests of one change may take of the processor: one that is not found by then has survived, whatever others would
 * say. Where each that survives has to be listed, only the dearest tests have not had their say by then.
 */
const budgetOf = (file: string): number => (roomOf(file.replace(/^.*\/src\//, ''))?.least === undefined ? 5_000 : 20_000);

/** Which tests come last in vitest.config.ts. */
const LAST = '/test/mutation/lives.ts';

/** Keeps all tests that were collected, and runs those of each change that it is asked about: nothing is loaded twice. */
export default class KeptTests extends TestRunner {
  readonly #tests = new Map<string, Test[]>();
  readonly #turns = new Turns();
  /** When the event loop last came round, in {@link cpuMs}. */
  #turnedAt = Infinity;
  #isEndless = false;

  /** Called for each file; after the last, its own tests have to wait until there are no more questions. */
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
   * Every changed place asks first whether it is the one, so every step of the sources comes by here: also the steps of a
   * loop that another place has made endless, which nothing outside of it could end.
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
    // As the files have them, but for what is known of each.
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
        // Long without the change, too: that says nothing.
        if (failed.message === ENDLESS && cpuMs() - anew > ENDLESS_MS / 2) continue;
        return { ...failed, ran, killedBy: id, soiled: again !== undefined };
      }
    }
    return { status: 'survived', ran, killedBy: '', message: '', soiled: false };
  }

  /** @returns undefined where it passes */
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
      // Nobody asks any more which test reaches what; noting it down would fill the memory.
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
    // What the test has left to be done, without the change.
    await new Promise((resolve) => setImmediate(resolve));
    return failed;
  }
}

/**
 * Resolves when no timer, no immediate and no work outside is left that was not there before: what is awaited then never
 * comes. No test waits for time to pass, but on a busy machine any may take long.
 *
 * @param onTurn called now and then, as long as the event loop turns
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

/** What this process has used of the processor so far, however busy the machine is with others. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

const collect = (ends: (() => unknown)[], end: unknown): void => {
  if (typeof end === 'function') ends.unshift(end as () => unknown);
};

/** From its file inwards. */
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
