/** The key that a header `Idempotency-Key` names. A quoted string, the form of the draft, is read as its content. */
export function keyIn(header: string | null): string | undefined {
  if (header === null) return undefined;
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header)?.[1];
  return quoted === undefined ? header : quoted.replace(/\\(["\\])/g, '$1');
}
