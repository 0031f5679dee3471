/** Why a text is refused: it is not JSON, a member name stands twice in one object, or it has too many levels. */
export type JsonProblem = 'syntax' | 'repeated' | 'depth';

/** The names and indexes that lead to a value. */
export type JsonPath = readonly (string | number)[];

/**
 * Scans a JSON text in one pass (L22), more strictly than `JSON.parse`. Two readers of a text with a repeated member name may use
 * different values, and `JSON.parse` silently keeps the last.
 *
 * @param maxDepth how deeply arrays and objects may be nested
 * @param errorOf makes the error to throw. `at`: the position in the text. `path`: of the repeated member, or of the value
 */
export function scanJson(text: string, maxDepth: number, errorOf: (problem: JsonProblem, at: number, path: JsonPath) => Error): void {
  new Scanner(text, maxDepth, errorOf).scan();
}

const NUMBER_OR_WORD = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const BLANK = /[ \t\n\r]*/y;
/** The characters of a string up to its end, an escape or a control character. */
const PLAIN = /[^"\\\0-\x1f]*/y;

class Scanner {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #errorOf: (problem: JsonProblem, at: number, path: JsonPath) => Error;
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(text: string, maxDepth: number, errorOf: (problem: JsonProblem, at: number, path: JsonPath) => Error) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#errorOf = errorOf;
  }

  scan(): void {
    this.#value();
    this.#skip(BLANK);
    if (this.#at < this.#text.length) throw this.#refused('syntax');
  }

  #value(): void {
    this.#skip(BLANK);
    if (this.#takes('{')) this.#object();
    else if (this.#takes('[')) this.#list();
    else if (this.#text[this.#at] === '"') this.#string();
    else this.#skip(NUMBER_OR_WORD);
  }

  #object(): void {
    const names = new Set<string>();
    this.#items('}', () => {
      const at = this.#at;
      const name = this.#string();
      this.#path.push(name);
      if (names.has(name)) throw this.#refused('repeated', at);
      names.add(name);
      this.#skip(BLANK);
      if (!this.#takes(':')) throw this.#refused('syntax');
    });
  }

  #list(): void {
    let length = 0;
    this.#items(']', () => this.#path.push(length++));
  }

  /** @param begin reads the text before a value, and adds the value's name to the path */
  #items(end: string, begin: () => void): void {
    if (this.#path.length >= this.#maxDepth) throw this.#refused('depth');
    this.#skip(BLANK);
    if (this.#takes(end)) return;
    do {
      this.#skip(BLANK);
      begin();
      this.#value();
      this.#path.pop();
      this.#skip(BLANK);
    } while (this.#takes(','));
    if (!this.#takes(end)) throw this.#refused('syntax');
  }

  #string(): string {
    const start = this.#at;
    if (!this.#takes('"')) throw this.#refused('syntax');
    let isPlain = true;
    this.#skip(PLAIN);
    while (!this.#takes('"')) {
      if (!this.#takes('\\')) throw this.#refused('syntax');
      isPlain = false;
      this.#at += 1;
      this.#skip(PLAIN);
    }
    if (isPlain) return this.#text.slice(start + 1, this.#at - 1);
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      // `JSON.parse` throws for an invalid escape sequence.
      throw this.#refused('syntax', start);
    }
  }

  #takes(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  #skip(token: RegExp): void {
    token.lastIndex = this.#at;
    if (!token.test(this.#text)) throw this.#refused('syntax');
    this.#at = token.lastIndex;
  }

  #refused(problem: JsonProblem, at = this.#at): Error {
    return this.#errorOf(problem, at, this.#path);
  }
}
