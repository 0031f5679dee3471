import { isBlank, quote, utf8Length } from '../../core/parse.js';

/** The length limit of a justification: 4 KiB. */
const MAX_BYTES = 4_096;
const CUT = '" (cut)';

/**
 * The justification of a tool call, as the reviewer reads it. The model's words come last, in quotes that they cannot close,
 * with every character visible, and cut to the limit. They are untrusted: a prompt injection may have produced them.
 */
export function justificationFor(tool: string, said: unknown): string {
  const call = `Tool call: ${tool}.`;
  if (typeof said !== 'string' || isBlank(said.slice(0, MAX_BYTES))) return call;
  const before = `${call} The model gives this unverified reason: "`;
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
