import { InvalidArgumentError } from '../../core/errors.js';
import { pathOf } from './check.js';
import { MAX_DEPTH } from './copy.js';

/**
 * Parses the text of a file. Unlike `JSON.parse`, it names the line of a syntax error, and it refuses a repeated field, of which
 * `JSON.parse` silently keeps the last.
 *
 * @throws InvalidArgumentError that names the line
 */
export function parseJson(text: string): unknown {
  // Some editors write a byte order mark at the start, which JSON does not allow.
  const json = text.startsWith('\uFEFF') ? text.slice(1) : text;
  new Scanner(json).scan();
  return JSON.parse(json) as unknown;
}

const NUMBER_OR_WORD = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const BLANK = /[ \t\n\r]*/y;

/** Scans the text in one pass (L22). */
class Scanner {
  readonly #text: string;
  #at = 0;
  /** The path of the present value in the policy. */
  readonly #path: (string | number)[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  scan(): void {
    this.#value();
    this.#skipBlank();
    if (this.#at < this.#text.length) throw this.#noJson();
  }

  #value(): void {
    if (this.#path.length > MAX_DEPTH)
      throw new InvalidArgumentError(pathOf(undefined, this.#path), `nested at most ${MAX_DEPTH} levels deep`, 'more levels');
    this.#skipBlank();
    if (this.#takes('{')) this.#object();
    else if (this.#takes('[')) this.#list();
    else if (this.#text[this.#at] === '"') this.#string();
    else this.#skip(NUMBER_OR_WORD);
  }

  #object(): void {
    const fields = new Set<string>();
    this.#items('}', () => {
      const at = this.#at;
      const field = this.#string();
      this.#path.push(field);
      if (fields.has(field))
        throw new InvalidArgumentError(pathOf(undefined, this.#path), 'set only once', `a second value at ${this.#place(at)}`);
      fields.add(field);
      this.#skipBlank();
      if (!this.#takes(':')) throw this.#noJson();
    });
  }

  #list(): void {
    let length = 0;
    this.#items(']', () => this.#path.push(length++));
  }

  /** @param begin reads the text before a value, and adds the value's name to the path */
  #items(end: string, begin: () => void): void {
    this.#skipBlank();
    if (this.#takes(end)) return;
    do {
      this.#skipBlank();
      begin();
      this.#value();
      this.#path.pop();
      this.#skipBlank();
    } while (this.#takes(','));
    if (!this.#takes(end)) throw this.#noJson();
  }

  #string(): string {
    const start = this.#at;
    if (!this.#takes('"')) throw this.#noJson();
    while (!this.#takes('"')) {
      if (this.#at >= this.#text.length || this.#text.charCodeAt(this.#at) < 0x20) throw this.#noJson();
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    }
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      // `JSON.parse` throws for an invalid escape sequence.
      throw this.#noJson(start);
    }
  }

  #takes(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  #skipBlank(): void {
    this.#skip(BLANK);
  }

  #skip(token: RegExp): void {
    token.lastIndex = this.#at;
    if (!token.test(this.#text)) throw this.#noJson();
    this.#at = token.lastIndex;
  }

  #noJson(at = this.#at): InvalidArgumentError {
    const problem = `a syntax error at ${this.#place(at)}`;
    // The usual mistake at the first character: the path of the file.
    return new InvalidArgumentError('policy', at === 0 ? "valid JSON, for example readFileSync(path, 'utf8')" : 'valid JSON', problem);
  }

  #place(at: number): string {
    const before = this.#text.slice(0, at).split('\n');
    return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
  }
}
