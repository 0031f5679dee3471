import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { root } from '../pages.js';
import { inCell } from './comments.js';

/** A page of the reference, and what its declarations lack. */
export interface Page {
  /** From the root: `docs/reference/errors.md`. */
  readonly path: string;
  readonly text: string;
  /** Each names a declaration and what it must say. */
  readonly problems: readonly string[];
}

/** Collects the blocks of a page, and the declarations without a description. */
export class PageWriter {
  /** From the root. */
  readonly path: string;
  readonly #blocks: string[] = [];
  readonly #problems = new Set<string>();

  constructor(path: string) {
    this.path = path;
  }

  add(...blocks: readonly string[]): void {
    this.#blocks.push(...blocks.filter((block) => block !== ''));
  }

  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    const line = (cells: readonly string[]) => `| ${cells.map(inCell).join(' | ')} |`;
    this.add([line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n'));
  }

  /** Returns a text that the page needs; without it, the page has a problem. */
  need(text: string | undefined, declaration: string, lack: string): string {
    if (text === undefined || text === '') this.#problems.add(`${declaration} has no ${lack}`);
    return text ?? '';
  }

  async page(): Promise<Page> {
    const options = await resolveConfig(join(root, this.path));
    const text = await format(`${this.#blocks.join('\n\n')}\n`, { ...options, parser: 'markdown' });
    return { path: this.path, text, problems: [...this.#problems] };
  }
}

export const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

/** The anchor of a heading that is one name. */
export const anchorOf = (name: string): string => name.toLowerCase();
