import { appendFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** Appends a line for each test file to a file: its seconds, its tier and its path. */
export class FileTimes implements Reporter {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  onTestModuleEnd(file: TestModule): void {
    const { collectDuration, setupDuration, duration } = file.diagnostic();
    const seconds = ((collectDuration + setupDuration + duration) / 1_000).toFixed(1);
    appendFileSync(this.#path, `${seconds} s  ${file.project.name}  ${file.relativeModuleId}\n`);
  }
}
