import { isBlank, quote, utf8Length } from '../../core/parse.js';

/** A justification may have 4 KiB in all. */
const MAX_BYTES = 4_096;
const CUT = '" (cut)';

/**
 * A tool call as the reviewer reads it. What the model says stands last, in quotes that it can't close, with every
 * character showing, and cut to what a justification may have: it is whatever the model was talked into.
 */
export function justificationFor(tool: string, said: unknown): string {
  const call = `Tool call: ${tool}.`;
  if (typeof said !== 'string' || isBlank(said.slice(0, MAX_BYTES))) return call;
  const before = `${call} The model says, and nobody has checked it: "`;
  let left = MAX_BYTES - utf8Length(before) - utf8Length(CUT);
  let text = '';
  for (const char of said) {
    const shown = quote(char).slice(1, -1);
    left -= utf8Length(shown);
    if (left < 0) return before + text + CUT;
    text += shown;
  }
  return `${before}${text}"`;
}
