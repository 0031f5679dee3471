import { BroadcastChannel } from 'node:worker_threads';
import { declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { DryRunStatus, MutantRunStatus } from '@stryker-mutator/api/test-runner';
import { strykerPlugins as vitestPlugins } from '@stryker-mutator/vitest-runner';

/*
 * Stryker's runner for vitest starts a thread for each change and loads the core and the tests into it: nearly a second of
 * work, of which a test that finds the change takes milliseconds; of ten thousand changes that is a day for a busy machine.
 * This one lets vitest load everything once, and keeps it; kept-tests.ts, on vitest's side, then runs the tests of each change.
 */
class Kept {
  #vitest;
  #channel;
  #answered;
  #running;
  #name = `kept-tests-${process.pid}`;

  constructor(vitest) {
    this.#vitest = vitest;
  }

  capabilities() {
    // kept-tests.ts detects the state that a single mutant leaves behind.
    return { reloadEnvironment: true };
  }

  init() {
    return this.#vitest.init();
  }

  dryRun(options) {
    return this.#vitest.dryRun(options);
  }

  async mutantRun(options) {
    const { activeMutant, testFilter, hitLimit, mutantActivation } = options;
    if (mutantActivation === 'static' || testFilter === undefined) {
      await this.#close();
      return this.#vitest.mutantRun(options);
    }
    const question = { mutant: activeMutant.id, file: activeMutant.fileName, tests: testFilter, hitLimit };
    let answer = await this.#ask(question);
    if (answer.soiled) {
      // Found, or failed only because of a mutant before it? A run with fresh modules decides.
      await this.#close();
      answer = await this.#ask(question);
      if (answer.soiled) {
        await this.#close();
        return { status: MutantRunStatus.Error, errorMessage: `${answer.killedBy} fails without the change, too: ${answer.message}` };
      }
    }
    const { status, ran, killedBy, message } = answer;
    if (status === 'survived') return { status: MutantRunStatus.Survived, nrOfTests: ran };
    if (status === 'timeout') return { status: MutantRunStatus.Timeout, reason: message };
    return { status: MutantRunStatus.Killed, nrOfTests: ran, killedBy: [killedBy], failureMessage: message };
  }

  async dispose() {
    await this.#close();
    await this.#vitest.dispose();
  }

  async #ask(question) {
    await this.#open();
    return this.#next(() => this.#channel.postMessage(question));
  }

  /** Vitest collects every test and runs none; after the last file it waits for the questions. */
  async #open() {
    if (this.#running !== undefined) return;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#answered(data);
    const { ctx } = this.#vitest;
    ctx.provide('mode', 'dry-run');
    ctx.provide('keptTests', this.#name);
    ctx.state.filesMap.clear();
    for (const { config } of ctx.projects) config.testNamePattern = /(?!)/;
    await this.#next(() => {
      this.#running = ctx.start();
    });
  }

  async #close() {
    if (this.#running === undefined) return;
    this.#channel.postMessage('close');
    await this.#running;
    this.#running = undefined;
    this.#channel.close();
    this.#vitest.ctx.provide('keptTests', '');
  }

  #next(begin) {
    return new Promise((resolve) => {
      this.#answered = resolve;
      begin();
    });
  }
}

function keptRunner(injector) {
  const vitest = vitestPlugins.find(({ name }) => name === 'vitest');
  return new Kept(injector.injectFunction(vitest.factory));
}
keptRunner.inject = ['$injector'];

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'kept', keptRunner)];
