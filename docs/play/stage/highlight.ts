import { el } from './dom.js';

const TOKEN = /('[^'\n]*'|`[^`\n]*`)|\b(await|for|const|of|new|async)\b|\b(\d+)\b|(\/\/.*)/g;
const KINDS = ['text', 'word', 'number', 'comment'];

/** Code whose texts, words and numbers are marked. */
export function highlight(code: string): (Node | string)[] {
  const parts: (Node | string)[] = [];
  let from = 0;
  for (const match of code.matchAll(TOKEN)) {
    const kind = KINDS[match.slice(1).findIndex((group) => group !== undefined)] ?? 'text';
    parts.push(code.slice(from, match.index), el('span', { class: `t-${kind}` }, match[0]));
    from = match.index + match[0].length;
  }
  return [...parts, code.slice(from)];
}
