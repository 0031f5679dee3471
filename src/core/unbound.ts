/**
 * Lets these methods be called without their object, as in `const { isAllowed } = engine`. An override of a subclass is bound, too. The
 * properties are not enumerable, and a spy may replace them.
 */
export function bindMethods<T extends object>(object: T, ...names: readonly (keyof T)[]): void {
  for (const name of names) {
    const value = (object[name] as (...args: unknown[]) => unknown).bind(object);
    Object.defineProperty(object, name, { value, writable: true, configurable: true });
  }
}
