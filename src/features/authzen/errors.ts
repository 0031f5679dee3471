/** An answer without a decision. `message` is for the client: it quotes no part of the request. */
export class AuthzenError extends Error {
  override readonly name = 'AuthzenError';
  /** @param headers further headers of the response */
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}
