import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** README.md and the pages under docs. */
export const pages: readonly string[] = [
  'README.md',
  ...(readdirSync(`${root}docs`, { recursive: true }) as string[])
    .filter((name) => !name.startsWith('api'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

export const textOf = (page: string): string => readFileSync(root + page, 'utf8');

const withoutCode = (page: string): string => textOf(page).replace(/^```.*?^```/gms, '');

/** The words of a text in Markdown: a tag and the target of a link are none. */
const countWords = (text: string): number =>
  text
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/\]\([^)]*\)/g, ']')
    .split(/\s+/)
    .filter((word) => /\w/.test(word)).length;

/** The words that a reader of a page reads: outside its code, and outside its tables too unless `tables` is true. */
export const wordsOf = (page: string, { tables = false } = {}): number =>
  countWords(tables ? withoutCode(page) : withoutCode(page).replaceAll(/^\|.*$/gm, ''));

/** The words above the first block of code, or all of them if there is none. */
export const wordsBeforeCode = (page: string): number => countWords((textOf(page).split(/^```/m)[0] as string).replaceAll(/^\|.*$/gm, ''));

/** A fenced block of code. */
export interface Block {
  readonly page: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** The info string of the fence: `ts`, `ts run`, `text`, ... */
  readonly info: string;
  readonly code: string;
  /** The file whose content this is, from a comment right above: `<!-- examples/first-grant.ts -->`. */
  readonly file: string | undefined;
  /** The name under which the reader saves it, from a comment right above: `<!-- file: server.js -->`. */
  readonly saveAs: string | undefined;
  /** The block of `text` that follows a program: its output. */
  readonly prints: string | undefined;
}

/** The blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  const lines = textOf(page).split('\n');
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fence = /^ {0,3}(`{3,})(.*)$/.exec(lines[i] as string);
    if (fence === null) continue;
    const start = i;
    const code: string[] = [];
    for (i += 1; i < lines.length && !lines[i]?.trimStart().startsWith(fence[1] as string); i++) code.push(lines[i] as string);
    const above = lines.slice(0, start).findLast((line) => line.trim() !== '');
    blocks.push({
      page,
      line: start + 1,
      info: (fence[2] as string).trim(),
      code: code.join('\n') + '\n',
      file: /^<!-- (\S+) -->$/.exec(above ?? '')?.[1],
      saveAs: /^<!-- file: (\S+) -->$/.exec(above ?? '')?.[1],
      prints: undefined,
    });
  }
  return blocks.map((block, i) => {
    const next = blocks[i + 1];
    const prints = block.info === 'ts run' && next?.info === 'text' ? next.code : undefined;
    return { ...block, prints };
  });
}

/** The blocks of a page and the comments between them, in order. */
export function partsOf(page: string): { readonly block?: Block; readonly mark?: string }[] {
  const blocks = blocksOf(page);
  const blockAt = new Map(blocks.map((block) => [block.line, block]));
  const inside = new Set(blocks.flatMap(({ line, code }) => code.split('\n').map((_, i) => line + 1 + i)));
  return textOf(page)
    .split('\n')
    .flatMap((text, i): { readonly block?: Block; readonly mark?: string }[] => {
      const block = blockAt.get(i + 1);
      if (block !== undefined) return [{ block }];
      const mark = inside.has(i + 1) ? undefined : /^<!-- (.+) -->$/.exec(text)?.[1];
      return mark === undefined ? [] : [{ mark }];
    });
}

/** The pages that a test follows line by line: test/package/follow.ts. */
export const followed: readonly string[] = pages.filter((page) => blocksOf(page).some(({ saveAs }) => saveAs !== undefined));

/** The texts of the links of a page that lead to another file or heading of this repository. */
export function linksOf(page: string): string[] {
  return [...withoutCode(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string);
}

/** The anchors that GitHub generates for the headings of a page. */
export function anchorsOf(page: string): string[] {
  return [...withoutCode(page).matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
