/** What is known of a test. */
interface Standing {
  /** How many changes it reaches, of those that were asked about. */
  asked: number;
  found: number;
  /** What it takes of the processor, the last time it was run. */
  ms: number;
}

/** Of a test that was never run. */
const GUESSED_MS = 10;

/** What takes longer is not tried before its turn. */
const QUICK_MS = 100;

/** How many of the last finders are tried first. */
const EAGER = 12;

/**
 * In which turn the tests that reach a change are tried: first the quick ones that found something last, for neighbouring
 * changes are found by the same; then those of its own file; then by what it is likely to take until they find something.
 * One that reaches little, or finds much of what it reaches, comes before one that everything runs through.
 */
export class Turns {
  readonly #standings = new Map<string, Standing>();
  /** The last to find something is the last in here. */
  readonly #finders = new Set<string>();

  /** @param file where the change is: tests of the same place in test are its own */
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
