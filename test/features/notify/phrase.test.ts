import fc from 'fast-check';
import { parsers } from 'prettier/plugins/markdown';
import { describe, expect, it } from 'vitest';
import { list, name, names, remark, say } from '../../../src/features/notify/phrase.js';

const JOINER = '\u2060';

interface Node {
  readonly type: string;
  readonly value?: string;
  readonly children?: readonly Node[];
}

/** What a Markdown renderer (CommonMark, with GitHub's bare addresses) makes of a line: the kinds of nodes, and the visible text. */
function read(markdown: string): { readonly kinds: ReadonlySet<string>; readonly shown: string } {
  const kinds = new Set<string>();
  let shown = '';
  const visit = ({ type, value = '', children = [] }: Node) => {
    kinds.add(type);
    shown += value;
    children.forEach(visit);
  };
  visit(parsers.markdown.parse(markdown, { originalText: markdown } as never) as Node);
  return { kinds, shown };
}

/** Fragments that some renderer turns into links, mentions, pictures, headings, lines or code. */
const HOSTILE = [
  ...'\\`*_{}[]()<>#+-.!|~@:&$^="\'/ \n\r\t\0',
  '\u2028',
  '\u202e',
  '\u200b',
  '\ud800',
  '\u0085',
  '\ufeff',
  '\u00a0',
  'a',
  'www.',
  'https://',
  'evil.example',
  '&lt;',
  '&#64;',
  '<@U1>',
  '![x](',
  '](https://e.example)',
  '```',
  '@channel',
  '#12',
  ':key:',
  '- ',
  '1. ',
  '<!-- ',
  '\n# ',
  '\n\n',
];
const hostile = fc.string({ unit: fc.constantFrom(...HOSTILE), maxLength: 30 });
const anything = fc.oneof(hostile, fc.string({ unit: 'binary', maxLength: 60 }));

describe('remark()', () => {
  it('makes one line, with hidden, reordering and control characters replaced', () => {
    fc.assert(
      fc.property(anything, (given) => {
        const { text, markdown } = remark(given);
        for (const line of [text, markdown]) expect(line).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u);
        expect(text).not.toMatch(/[\p{Cf}\p{DI}]/u);
        expect(markdown.replaceAll(JOINER, '')).not.toMatch(/[\p{Cf}\p{DI}]/u);
      }),
      { numRuns: 2_000 },
    );
  });

  it('makes Markdown that renders as the plain text of the remark', () => {
    fc.assert(
      fc.property(anything, (given) => {
        const { text, markdown } = remark(given);
        const { kinds, shown } = read(`why: ${markdown}`);
        expect([...kinds].sort()).toEqual(['paragraph', 'root', 'text']);
        expect(shown.replaceAll(JOINER, '')).toBe(`why: ${text.replaceAll('`', "'")}`.trim());
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    [
      'a mention',
      '@maya @org/team <@U123> <!channel> <at>maya</at>',
      `@${JOINER}maya @${JOINER}org/team &lt;@${JOINER}U123&gt; &lt;!${JOINER}channel&gt; &lt;at&gt;maya&lt;/at&gt;`,
    ],
    ['a reference', '#12 org/repo#12 !12', `#${JOINER}12 org/repo#${JOINER}12 !${JOINER}12`],
    ['an address', 'https://evil.example', `https:${JOINER}//evil${JOINER}.example`],
    ['a bare address', 'www.evil.example a@evil.example', `www${JOINER}.evil${JOINER}.example a@${JOINER}evil${JOINER}.example`],
    ['a bare address after a mark or a symbol', '\u0915\u093f.com \u2764.ws', `\u0915\u093f${JOINER}.com \u2764${JOINER}.ws`],
    ['a link', '[log in](https://e)', `\\[log in\\](https:${JOINER}//e)`],
    ['a link for Slack', '<https://e|log in>', `&lt;https:${JOINER}//e\\|log in&gt;`],
    ['a picture', '![x](y)', `!${JOINER}\\[x\\](y)`],
    ['code', '`rm -rf /` ```sh```', "'rm -rf /' '''sh'''"],
    ['emphasis', '*a* _b_ ~c~ ||d||', '\\*a\\* \\_b\\_ \\~c\\~ \\|\\|d\\|\\|'],
    ['a formula', '$x$', '\\$x\\$'],
    ['an emoji', ':fire:', `:${JOINER}fire:`],
    ['an entity', '&lt;b&gt; &#64;', `&amp;lt;b&amp;gt; &amp;#${JOINER}64;`],
    ['a backslash before markup', '\\*a\\*', '\\\\\\*a\\\\\\*'],
  ])('breaks the syntax of %s', (_, given, markdown) => {
    expect(remark(given)).toEqual({ text: given, markdown });
  });

  it.each([
    ['line breaks', 'ok\r\n2026-01-01 granted\u2028by root\v!', 'ok 2026-01-01 granted by root !'],
    ['escape sequences for terminal colours', '\u001b[31mred', '\ufffd[31mred'],
    ['characters that change the text direction', 'a\u202eb\u2066c', 'abc'],
    ['invisible characters', 'ad\u200bmin\u00ad\u3164', 'admin'],
    ['a lone surrogate', 'a\ud800b', 'a\ufffdb'],
    ['space at the ends', '  a\u3000b  ', 'a b'],
  ])('replaces %s', (_, given, text) => {
    expect(remark(given).text).toBe(text);
  });

  it('cuts at 400 characters, never inside a surrogate pair', () => {
    expect(remark('x'.repeat(400)).text).toBe('x'.repeat(400));
    expect(remark('x'.repeat(401)).text).toBe(`${'x'.repeat(399)}…`);
    expect(remark('😀'.repeat(401)).text).toBe(`${'😀'.repeat(399)}…`);
  });

  it('returns soon for a megabyte of any input', () => {
    for (const unit of HOSTILE) expect(Array.from(remark(unit.repeat(1_000_000 / unit.length)).text).length).toBeLessThanOrEqual(400);
  });
});

describe('name()', () => {
  it.each(['user:maya', 'db-prod:write', 'maya@example.com', 'db:key:read', 'db:*', 'a_b_c', 'x~y/z+1='])(
    'shows %s as it is, as code',
    (id) => {
      expect(name(id)).toEqual({ text: id, markdown: `\`${id}\`` });
      expect(read(name(id).markdown)).toEqual({ kinds: new Set(['root', 'paragraph', 'inlineCode']), shown: id });
    },
  );

  it('quotes a name that could be read as words of a notice', () => {
    expect(name('maya was approved, and bob')).toEqual({ text: '"maya was approved, and bob"', markdown: '"maya was approved, and bob"' });
    expect(name('a" is "b').text).toBe(`"a' is 'b"`);
    expect(name('').text).toBe('""');
  });

  it('makes Markdown that renders as plain text or code, for any name', () => {
    fc.assert(
      fc.property(anything, (id) => {
        const { text, markdown } = name(id);
        const { kinds, shown } = read(`**the access of ${markdown}**`);
        expect(['inlineCode', 'paragraph', 'root', 'strong', 'text']).toEqual(expect.arrayContaining([...kinds]));
        expect(kinds).toContain('strong');
        expect(shown.replaceAll(JOINER, '')).toBe(`the access of ${text.replaceAll('`', "'")}`);
      }),
      { numRuns: 2_000 },
    );
  });

  it('cuts at 128 characters', () => {
    expect(name('x'.repeat(128)).text).toBe('x'.repeat(128));
    expect(name('x'.repeat(129))).toEqual({ text: `${'x'.repeat(127)}…`, markdown: `\`${'x'.repeat(127)}…\`` });
  });
});

describe('list()', () => {
  it('shows five names, and counts the others', () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    expect(names(ids.slice(0, 5)).text).toBe('a, b, c, d, e');
    expect(names(ids)).toEqual({ text: 'a, b, c, d, e and 2 more', markdown: '`a`, `b`, `c`, `d`, `e` and 2 more' });
    expect(list([])).toEqual({ text: '', markdown: '' });
  });
});

describe('say', () => {
  it('puts phrases between words, in the plain and the Markdown form', () => {
    expect(say`${name('user:maya')} asks for ${name('db:write')}: ${remark('a*b')}.`).toEqual({
      text: 'user:maya asks for db:write: a*b.',
      markdown: '`user:maya` asks for `db:write`: a\\*b.',
    });
    expect(say`nothing`).toEqual({ text: 'nothing', markdown: 'nothing' });
  });
});
