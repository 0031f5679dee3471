import ts from 'typescript';

/** A doc comment, in its parts. Each text is Markdown. */
export interface Doc {
  /** The text before the first tag: paragraphs, separated by empty lines. */
  readonly text: string;
  /** By parameter, also of a part of it: `options.follow`. */
  readonly params: ReadonlyMap<string, string>;
  readonly returns: string | undefined;
  readonly throws: readonly string[];
  readonly remarks: string | undefined;
}

const NONE: Doc = { text: '', params: new Map(), returns: undefined, throws: [], remarks: undefined };

/** The doc comment of a declaration; empty where it has none. */
export function docOf(declaration: ts.Node | undefined): Doc {
  if (declaration === undefined) return NONE;
  const comments = ts.getJSDocCommentsAndTags(declaration).filter(ts.isJSDoc);
  const comment = comments.at(-1);
  if (comment === undefined) return NONE;
  const tags = comment.tags ?? [];
  const textsOf = (name: string) => tags.filter((tag) => tag.tagName.text === name).map((tag) => markdown(tag.comment));
  return {
    text: markdown(comment.comment),
    params: new Map(tags.flatMap((tag) => (ts.isJSDocParameterTag(tag) ? [[tag.name.getText(), markdown(tag.comment)] as const] : []))),
    returns: textsOf('returns')[0],
    throws: textsOf('throws'),
    remarks: textsOf('remarks')[0],
  };
}

/** The doc comments of the declarations of a symbol, the first that says something. */
export const docOfSymbol = (symbol: ts.Symbol | undefined): Doc =>
  (symbol?.declarations ?? []).map(docOf).find(({ text, throws }) => text !== '' || throws.length > 0) ?? NONE;

/** Joins the lines of a paragraph, and makes code of each link to a declaration. */
function markdown(comment: string | ts.NodeArray<ts.JSDocComment> | undefined): string {
  const text = ts.getTextOfJSDocComment(comment) ?? '';
  return text
    .replaceAll(/\{@link ([^}\s]+)\}/g, '`$1`')
    .replaceAll(/\n(?=Gotcha:)/g, '\n\n')
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replaceAll(/\n(?!\s*- )\s*/g, ' ').trim())
    .join('\n\n')
    .trim();
}

/** The text in one cell of a table: its paragraphs and list items stand on lines of their own. */
export const inCell = (text: string): string =>
  text
    .replaceAll(/\n+- /g, '<br>• ')
    .replaceAll(/\n+/g, '<br>')
    .replaceAll('|', String.raw`\|`);

/** Takes the sentence that begins with `Default:` out of a text. It stays where another sentence follows, which may refer to it. */
export function splitDefault(text: string): { readonly rest: string; readonly preset: string | undefined } {
  const found = /(?:^|\s)Default: ((?:`[^`]*`|[^.`]|\.(?=\S))+)\.?(?=\s|$)/.exec(text);
  if (found === null) return { rest: text, preset: undefined };
  const after = text.slice(found.index + found[0].length);
  const isLast = after === '' || after.startsWith('\n');
  return { rest: isLast ? `${text.slice(0, found.index)}${after}`.trim() : text, preset: found[1]?.trim() };
}

/** The first sentence of a text. */
export const firstSentence = (text: string): string => /^(?:`[^`]*`|[^`])*?\.(?=\s|$)/.exec(text)?.[0] ?? text;

/** A text that begins and ends as a sentence does. */
export const sentence = (text: string): string => {
  const begun = /^[a-z]/.test(text) ? `${text[0]?.toUpperCase()}${text.slice(1)}` : text;
  return begun === '' || /[.:!?]$/.test(begun) ? begun : `${begun}.`;
};
