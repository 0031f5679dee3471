import type { JitEngine } from 'jit-access';

export type DatabaseScope = 'db-prod:read' | 'db-prod:write';

/** A database that allows no call by itself: each call asks the engine first, and a refusal throws. */
export class Database {
  readonly #engine: JitEngine<DatabaseScope>;
  #stuckOrders = 1138;

  constructor(engine: JitEngine<DatabaseScope>) {
    this.#engine = engine;
  }

  async countStuckOrders(subject: string): Promise<number> {
    await this.#engine.assertAllowed(subject, 'db-prod:read');
    return this.#stuckOrders;
  }

  async releaseStuckOrders(
    subject: string,
    count: number,
  ): Promise<number> {
    await this.#engine.assertAllowed(subject, 'db-prod:write');
    this.#stuckOrders -= count;
    return this.#stuckOrders;
  }
}
