/** The globs without braces that one with braces stands for. */
export function alternatives(glob: string): string[] {
  const braces = /\{([^{}]*)\}/.exec(glob);
  if (braces === null) return [glob];
  const [all, inside = ''] = braces;
  return inside.split(',').flatMap((one) => alternatives(glob.replace(all, () => one)));
}

/** Which of the paths a glob takes; of what globs know, only what stryker.config.js and tests.ts use: braces, stars and `**`. */
export function matching(glob: string, paths: readonly string[]): string[] {
  const patterns = alternatives(glob).map((one) => {
    const parts = one.split(/(\*\*\/|\*)/).map((part) => ({ '**/': '(?:.+/)?', '*': '[^/]*' })[part] ?? part.replace(/[.+]/g, '\\$&'));
    return new RegExp(`^${parts.join('')}$`);
  });
  return paths.filter((path) => patterns.some((pattern) => pattern.test(path)));
}
