import { describe, expect, it } from 'vitest';
import { blocks, code } from './blocks.js';
import { pages, wordsBeforeCode, wordsOf, type Block } from './pages.js';

/*
 * A guide says how, and a reference says what. So each page of docs/start and docs/guides is short, and begins with a program.
 *
 * The tables below name the pages that are longer than that. They only shrink: a page may not grow beyond its number, and a number that
 * is no longer needed has to go.
 */

const guides = pages.filter((page) => /^docs\/(?:start|guides)\//.test(page)).sort();
const blocksOn = (page: string): readonly Block[] => blocks.filter((block) => block.page === page);
const linesOf = (block: Block): readonly string[] => block.code.trimEnd().split('\n');
const codeLines = (page: string): number => blocksOn(page).reduce((sum, block) => sum + linesOf(block).length, 0);
const longLines = (page: string): number =>
  blocksOn(page)
    .flatMap(linesOf)
    .filter((line) => line.length > 76).length;

type Exceptions = Readonly<Record<string, number>>;

/** The pages whose number is above the limit, or above the number of their exception; and the exceptions that a page does not need. */
function tooMuch(of: readonly string[], count: (page: string) => number, limit: number, exceptions: Exceptions): readonly string[] {
  const long = of.filter((page) => count(page) > (exceptions[page] ?? limit));
  const unneeded = Object.keys(exceptions).filter((page) => !of.includes(page) || count(page) <= limit);
  return [
    ...long.map((page) => `${page} has ${count(page)}, and may have ${exceptions[page] ?? limit}`),
    ...unneeded.map((page) => `${page} needs no exception`),
  ];
}

/** Words outside code and tables. */
const LONG_TEXT: Exceptions = {};

/** Lines of code. */
const LONG_CODE: Exceptions = {};

/** Words above the first block of code. */
const LATE_CODE: Exceptions = {};

/** Lines of more than 76 characters. */
const WIDE_LINES: Exceptions = {
  'docs/reference/journal.md': 9,
  'docs/reference/lifecycle.md': 5,
};

/** Words of all guides outside code, those of tables too. */
const ALL_WORDS = 30_000;

/** Blocks of code of all guides. */
const ALL_BLOCKS = 300;

/** Blocks with `declare`. */
const DECLARING = 24;

describe('a guide', () => {
  it('has at most 700 words outside code and tables', () => {
    expect(guides.length).toBeGreaterThan(30);
    expect(tooMuch(guides, wordsOf, 700, LONG_TEXT)).toEqual([]);
  });

  it('has at most 120 lines of code', () => {
    expect(tooMuch(guides, codeLines, 120, LONG_CODE)).toEqual([]);
  });

  it('has a block of code within its first 150 words', () => {
    expect(guides.filter((page) => blocksOn(page).length === 0)).toEqual([]);
    expect(tooMuch(guides, wordsBeforeCode, 150, LATE_CODE)).toEqual([]);
  });
});

describe('the guides together', () => {
  it(`have at most ${ALL_WORDS} words outside code`, () => {
    expect(guides.reduce((sum, page) => sum + wordsOf(page, { tables: true }), 0)).toBeLessThanOrEqual(ALL_WORDS);
  });

  it(`have at least ${ALL_BLOCKS} blocks of code`, () => {
    expect(guides.flatMap(blocksOn).length).toBeGreaterThanOrEqual(ALL_BLOCKS);
  });
});

describe('the code of README.md and docs', () => {
  it('has lines of at most 76 characters: none scrolls sideways', () => {
    expect(tooMuch(pages, longLines, 0, WIDE_LINES)).toEqual([]);
  });

  it(`has at most ${DECLARING} blocks that declare what the reader must have`, () => {
    const declaring = code.filter((block) => /\bdeclare\b/.test(block.code));
    expect(declaring.map(({ page, line }) => `${page}:${line}`).slice(DECLARING)).toEqual([]);
  });
});
