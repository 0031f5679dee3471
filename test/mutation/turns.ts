/** What is known about a test. */
interface Standing {
  /** How many of the mutants in question it reaches. */
  asked: number;
  found: number;
  /** Its processor time in its last run. */
  ms: number;
}

/** Of a test that was never run. */
const GUESSED_MS = 10;

/** A slower test is not tried before its turn. */
const QUICK_MS = 100;

/** How many of the latest finders are tried first. */
const EAGER = 12;

/**
 * The order of the tests that reach a mutant: first the quick ones that found something last, as the same tests find
 * neighbouring mutants; then those of its own file; then by the expected time until they find something.
 * A test that reaches little, or finds much of what it reaches, comes before one that reaches everything.
 */
export class Turns {
  readonly #standings = new Map<string, Standing>();
  /** The latest finder is the last item. */
  readonly #finders = new Set<string>();

  /** @param file of the mutant: tests in the same folder under test belong to it */
  of(ids: readonly string[], file: string): string[] {
    for (const id of ids) this.#standing(id).asked += 1;
    const wanted = new Set(ids);
    const eager = [...this.#finders].reverse().filter((id) => wanted.has(id));
    const costs = new Map(ids.map((id) => [id, this.#cost(id)]));
    const rest = [...ids].sort((a, b) => (costs.get(a) ?? 0) - (costs.get(b) ?? 0));
    const own = file.replace(/^.*\/src\/(.*)\.ts$/, 'test/$1.test.ts#');
    return [...new Set([...eager.slice(0, EAGER), ...rest.filter((id) => id.startsWith(own)), ...rest])];
  }

  tried(id: string, ms: number, hasFound: boolean): void {
    const standing = this.#standing(id);
    standing.ms = ms;
    if (!hasFound) return;
    standing.found += 1;
    this.#finders.delete(id);
    if (ms < QUICK_MS) this.#finders.add(id);
  }

  #cost(id: string): number {
    const { asked, found, ms } = this.#standing(id);
    return (ms * asked) / (found + 1);
  }

  #standing(id: string): Standing {
    const known = this.#standings.get(id) ?? { asked: 0, found: 0, ms: GUESSED_MS };
    this.#standings.set(id, known);
    return known;
  }
}
