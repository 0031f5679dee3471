/**
 * A module of Node, looked up at run time: an import of it would end every other runtime (L35).
 *
 * @returns `undefined` in a runtime without that module, or if Node is older than 20.16
 */
export const builtinModule = (name: string): unknown =>
  (globalThis as { readonly process?: { readonly getBuiltinModule?: (name: string) => unknown } }).process?.getBuiltinModule?.(name);
