/** A call of a verb of the engine, or of a feature that serves it, and what it answered or threw. */
export interface Call {
  readonly method: string;
  readonly outcome: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };
}

/** The same engine, or the same feature, with a note made of each call once it has settled. */
export function noting<T extends object>(verbs: T, note: (call: Call) => void): T {
  return new Proxy(verbs, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return async (...given: readonly unknown[]) => {
        const method = String(name);
        try {
          const value: unknown = await Reflect.apply(member, target, given);
          note({ method, outcome: { ok: true, value } });
          return value;
        } catch (error) {
          note({ method, outcome: { ok: false, error } });
          throw error;
        }
      };
    },
  });
}
