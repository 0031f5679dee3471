/** The code of a scenario as its own file has it: the page shows the code that runs. */
export interface ShownCode {
  /** What the engine is made with. */
  readonly options: string;
  /** One for each step, in order. */
  readonly steps: readonly string[];
}

/**
 * Takes the code out of a scenario's file. It relies on the form that prettier gives: a block opens at the end of a line,
 * and closes on a line of its own with the same indentation.
 */
export function shownCode(source: string): ShownCode {
  const lines = source.split('\n');
  const blocks = (opening: RegExp): string[] =>
    lines.flatMap((line, from) => {
      const indent = opening.exec(line)?.[1];
      if (indent === undefined) return [];
      const to = lines.findIndex((other, at) => at > from && other.startsWith(`${indent}}`));
      return [unindent(lines.slice(from + 1, to))];
    });
  return { options: blocks(/^( *)options: \(\) => \(\{$/)[0] ?? '', steps: blocks(/^( *)run: async \(\) => \{$/) };
}

function unindent(lines: readonly string[]): string {
  const indent = /^ */.exec(lines[0] ?? '')?.[0].length ?? 0;
  return lines.map((line) => line.slice(indent)).join('\n');
}
