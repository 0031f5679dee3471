/** A path or a URL without the slashes at its end. An expression for them takes the square of their number. */
export function withoutTrailingSlashes(text: string): string {
  let end = text.length;
  while (text.endsWith('/', end)) end--;
  return text.slice(0, end);
}
