/** What the handler says about a failure that lasts until an operator of the service acts. `undefined`: it is another failure. */
export function lastingText(error: unknown): string | undefined {
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  return /^ERR_JIT_(?:HOOK|LAYOUT|MOVED|ROLLBACK)$/.test(String(code)) ? message : undefined;
}
