/** The globs without braces that are equivalent to one with braces. */
export function alternatives(glob: string): string[] {
  const braces = /\{([^{}]*)\}/.exec(glob);
  if (braces === null) return [glob];
  const [all, inside = ''] = braces;
  return inside.split(',').flatMap((one) => alternatives(glob.replace(all, () => one)));
}

/** The paths that a glob selects. It supports only the syntax in stryker.config.js and tests.ts: braces, stars and `**`. */
export function matching(glob: string, paths: readonly string[]): string[] {
  const patterns = alternatives(glob).map((one) => {
    const parts = one.split(/(\*\*\/|\*)/).map((part) => ({ '**/': '(?:.+/)?', '*': '[^/]*' })[part] ?? part.replace(/[.+]/g, '\\$&'));
    return new RegExp(`^${parts.join('')}$`);
  });
  return paths.filter((path) => patterns.some((pattern) => pattern.test(path)));
}
