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

/** A fenced block of code. */
export interface Block {
  readonly page: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** The info string of the fence: `ts`, `ts run`, `text`, ... */
  readonly info: string;
  readonly code: string;
  /** The file whose content this is, from a comment right above: `<!-- examples/quickstart.ts -->`. */
  readonly file: string | undefined;
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
    for (i += 1; i < lines.length && !lines[i]?.startsWith(fence[1] as string); i++) code.push(lines[i] as string);
    const above = lines.slice(0, start).findLast((line) => line.trim() !== '');
    blocks.push({
      page,
      line: start + 1,
      info: (fence[2] as string).trim(),
      code: code.join('\n') + '\n',
      file: /^<!-- (\S+) -->$/.exec(above ?? '')?.[1],
      prints: undefined,
    });
  }
  return blocks.map((block, i) => {
    const next = blocks[i + 1];
    const prints = block.info === 'ts run' && next?.info === 'text' ? next.code : undefined;
    return { ...block, prints };
  });
}

/** The texts of the links of a page that lead to another file or heading of this repository. */
export function linksOf(page: string): string[] {
  const prose = textOf(page).replace(/^```.*?^```/gms, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string);
}

/** The anchors that GitHub generates for the headings of a page. */
export function anchorsOf(page: string): string[] {
  const prose = textOf(page).replace(/^```.*?^```/gms, '');
  return [...prose.matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
