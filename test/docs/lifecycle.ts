import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { GRANT_ENDS, REQUEST_ENDS } from '../../src/model/ends.js';
import { root, textOf } from './pages.js';

export const PAGE = 'docs/reference/lifecycle.md';

const ends = (from: string, table: Readonly<Record<string, readonly string[]>>): string[] =>
  Object.entries(table).flatMap(([status, causes]) => [`${from} --> ${status}: ${causes.join(', ')}`, `${status} --> [*]`]);

const diagram = (lines: readonly string[]): string => ['stateDiagram-v2', ...lines].join('\n    ');

/** The diagrams of the page, drawn from the table in code. */
export const diagrams: readonly string[] = [
  diagram(['[*] --> pending', ...ends('pending', REQUEST_ENDS)]),
  diagram([
    '[*] --> live',
    'state live {',
    '    [*] --> scheduled',
    '    [*] --> active',
    '    scheduled --> active',
    '}',
    ...ends('live', GRANT_ENDS),
  ]),
];

/** The page, with the expected diagrams. */
export async function lifecyclePage(): Promise<string> {
  let at = 0;
  const page = textOf(PAGE).replace(/^```mermaid\n.*?^```$/gms, () => `\`\`\`mermaid\n${diagrams[at++]}\n\`\`\``);
  return format(page, { ...(await resolveConfig(join(root, PAGE))), parser: 'markdown' });
}

/** The cells of the rows of a page's tables that start with code. */
const rowsOf = (page: string): (readonly string[])[] =>
  [...textOf(page).matchAll(/^\| (`.*) \|$/gm)].map(([, row]) => (row as string).split('|').map((cell) => cell.trim()));

const quoted = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);

/** Each end that a table of the page explains, as `approved quorum`. */
export const explainedEnds = (): string[] =>
  rowsOf(PAGE)
    .filter(([end = '']) => /^`(approved|denied|cancelled|expired|revoked)`$/.test(end))
    .map(([end, cause]) => [...quoted(end), ...quoted(cause)].join(' '));

/** Every end of the table in code, as `approved quorum`. */
export const ENDS: readonly string[] = [...pairs(REQUEST_ENDS), ...pairs(GRANT_ENDS)];

function pairs(table: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(table).flatMap(([status, causes]) => causes.map((cause) => `${status} ${cause}`));
}
