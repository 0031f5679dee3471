import { answered, broken } from './bent-store.js';

/** Guarantee 3 broken: a repeated change is applied again, or not recognised. */
export const REPEATED = [
  broken('a repeated id is answered with conflict', 'answers committed again, with one effect', (inner, { ids }) => ({
    async commit(change) {
      const key = JSON.stringify([inner.namespace, change.id]);
      if (ids.has(key)) return answered(inner, 'conflict');
      const answer = await inner.commit(change);
      if (answer.outcome === 'committed') ids.add(key);
      return answer;
    },
  })),
  broken('ids of changes are ignored', 'appends once when the change only appends', (inner, shared) => ({
    commit: (change) => inner.commit({ ...change, id: `${++shared.count}` }),
  })),
  broken('a repeated change writes its rows again', 'answers committed even when its records have changed since', (inner, { ids }) => ({
    async commit(change) {
      const again = { ...change, id: `${change.id}/again`, expect: [], append: [] };
      if (ids.has(inner.namespace + change.id)) return inner.commit(again);
      const answer = await inner.commit(change);
      if (answer.outcome === 'committed') ids.add(inner.namespace + change.id);
      return answer;
    },
  })),
  broken('a repeated change restores removed rows', 'answers committed even when its record has been removed', (inner, shared) => ({
    async commit(change) {
      const fresh = await inner.commit({ ...change, id: `${++shared.count}` });
      return fresh.outcome === 'conflict' ? inner.commit(change) : fresh;
    },
  })),
  broken('a change is remembered only after its reply', 'has one effect when it is committed 16 times at once', (inner, shared) => ({
    async commit(change) {
      if (shared.ids.has(inner.namespace + change.id)) return answered(inner, 'committed');
      const answer = await inner.commit({ ...change, id: `${++shared.count}` });
      if (answer.outcome === 'committed') shared.ids.add(inner.namespace + change.id);
      return answer;
    },
  })),
  broken('a change is remembered after a conflict', 'forgets a change that conflicted', (inner, { ids }) => ({
    async commit(change) {
      if (ids.has(inner.namespace + change.id)) return answered(inner, 'committed');
      ids.add(inner.namespace + change.id);
      return inner.commit(change);
    },
  })),
  broken('only the last hundred changes are remembered', 'remembers each of many changes, the oldest too', (inner, shared) => ({
    async commit(change) {
      if ([...shared.ids].slice(-100).includes(change.id)) return answered(inner, 'committed');
      shared.ids.add(change.id);
      return inner.commit({ ...change, id: `${++shared.count}` });
    },
  })),
  broken('ids of changes are keys of an object', 'distinguishes the ids of changes byte by byte', (inner) => {
    const known: Record<string, unknown> = {};
    return { commit: async (change) => (known[change.id] === undefined ? inner.commit(change) : answered(inner, 'committed')) };
  }),
  broken('ids of changes are case-insensitive', 'distinguishes the ids of changes byte by byte', (inner) => ({
    commit: (change) => inner.commit({ ...change, id: change.id.trim().normalize('NFC').toLowerCase() }),
  })),
  broken('each handle remembers only its own changes', 'knows the change through another handle too', (inner, shared) => {
    const known = new Set<string>();
    return {
      async commit(change) {
        if (known.has(change.id)) return answered(inner, 'committed');
        const answer = await inner.commit({ ...change, id: `${++shared.count}` });
        if (answer.outcome === 'committed') known.add(change.id);
        return answer;
      },
    };
  }),
  broken('a repeated change without entries restores its rows', 'may answer conflict when nothing was appended', (inner, { ids }) => ({
    commit(change) {
      const again = change.append.length === 0 && ids.has(change.id);
      ids.add(change.id);
      return inner.commit(again ? { ...change, expect: [] } : change);
    },
  })),
];
