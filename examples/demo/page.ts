const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export type Style = keyof typeof STYLES;

/** Prints the incident, one line after the other, coloured only on a terminal with colours. */
export interface Page {
  title(text: string): void;
  /** Who does something, and what. */
  step(actor: string, text: string): void;
  /** The result of a step. */
  result(style: Style, text: string): void;
  /** A line as it is; without a text, an empty one. */
  line(text?: string, style?: Style): void;
}

export function createPage(
  write: (line: string) => void,
  coloured: boolean,
): Page {
  const paint = (style: Style, text: string) =>
    coloured
      ? `\u001b[${STYLES[style][0]}m${text}\u001b[${STYLES[style][1]}m`
      : text;
  return {
    title: (text) => {
      write('');
      write(paint('bold', text));
    },
    step: (actor, text) =>
      write(`  ${paint('cyan', actor.padEnd(11))} ${text}`),
    result: (style, text) =>
      write(`  ${' '.repeat(11)} ${paint(style, text)}`),
    line: (text, style) =>
      write(
        text === undefined
          ? ''
          : `  ${style === undefined ? text : paint(style, text)}`,
      ),
  };
}

/** Colours only on a terminal, and never against the reader's will: https://no-color.org */
export function wantsColour(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return (
    stream.isTTY === true &&
    (env['NO_COLOR'] ?? '') === '' &&
    env['TERM'] !== 'dumb'
  );
}
