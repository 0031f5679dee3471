import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { root } from './pages.js';

/** The part of a page that a command makes, between its two marks. */
export class MadePart {
  readonly #page: string;
  readonly #path: string;
  readonly #marks: readonly [string, string];

  /**
   * @param page from the root: `docs/explanation/performance.md`
   * @param command the command that makes it with `--write`: `npm run bench`
   */
  constructor(page: string, command: string) {
    this.#page = page;
    this.#path = join(root, page);
    this.#marks = [`<!-- made by ${command} -- --write -->`, `<!-- end of what ${command} makes -->`];
  }

  read(): string {
    const [, inside] = this.#parts();
    return inside.trim();
  }

  async write(text: string): Promise<void> {
    const [before, , behind] = this.#parts();
    const [begin, end] = this.#marks;
    const next = `${before}${begin}\n\n${text}\n\n${end}${behind}`;
    writeFileSync(this.#path, await format(next, { ...(await resolveConfig(this.#path)), filepath: this.#path }));
  }

  #parts(): readonly [before: string, inside: string, behind: string] {
    const text = readFileSync(this.#path, 'utf8');
    const [begin, end] = this.#marks;
    const [before, rest, ...more] = text.split(begin);
    const [inside, behind, ...others] = rest?.split(end) ?? [];
    if (before === undefined || inside === undefined || behind === undefined || more.length + others.length > 0)
      throw new Error(`${this.#page} has not once each of ${this.#marks.join(' and ')}`);
    return [before, inside, behind];
  }
}
