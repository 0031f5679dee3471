import type { Anchor } from '../../../src/records/index.js';
import type { GrantStore } from '../../../src/core/store-port.js';
import { answered, broken, commits } from './bent-store.js';

const ZEROS = '0'.repeat(64);

const journalOf = (store: GrantStore) => store.journal({ after: 0, limit: 10_000 });

/** Guarantee 2 broken for the journal: the entry that the caller has seen is not compared, or compared wrongly. */
const KNOWS = [
  broken(
    'knows is ignored',
    'answers behind where the journal has another hash there',
    commits(() => ({ knows: undefined })),
  ),
  broken('only the seq of a known entry is compared', 'answers behind where the journal has another hash there', (inner) => ({
    async commit(change) {
      const { head } = await journalOf(inner);
      return inner.commit(change.knows !== undefined && change.knows.seq <= head.seq ? { ...change, knows: undefined } : change);
    },
  })),
  broken(
    'a known entry is compared only where the journal has an entry with its seq',
    'answers behind where the journal ends before it',
    (inner) => ({
      async commit(change) {
        const { head } = await journalOf(inner);
        return inner.commit(change.knows !== undefined && change.knows.seq > head.seq ? { ...change, knows: undefined } : change);
      },
    }),
  ),
  broken('an empty journal counts as a new one', 'answers behind in an empty journal', (inner) => ({
    async commit(change) {
      const { head } = await journalOf(inner);
      return inner.commit(head.seq === 0 ? { ...change, knows: undefined } : change);
    },
  })),
  broken('a change that is behind is applied, and answered with behind', 'answers behind where the journal ends before it', (inner) => ({
    async commit(change) {
      const answer = await inner.commit(change);
      if (answer.outcome !== 'behind') return answer;
      return { ...(await inner.commit({ ...change, knows: undefined })), outcome: 'behind' };
    },
  })),
  broken('a change that is behind removes its rows all the same', 'answers behind to a purge', (inner) => ({
    async commit(change) {
      const answer = await inner.commit(change);
      if (answer.outcome !== 'behind') return answer;
      await inner.commit({ id: `${change.id}/removed`, expect: [], put: [], append: [], remove: change.remove });
      return answer;
    },
  })),
  broken('a change that is behind trims the journal all the same', 'answers behind to a purge', (inner) => ({
    async commit(change) {
      const answer = await inner.commit(change);
      if (answer.outcome !== 'behind') return answer;
      await inner.commit({ id: `${change.id}/trimmed`, expect: [], put: [], append: [], trimJournalTo: change.trimJournalTo });
      return answer;
    },
  })),
  broken('only the newest entry may be known', 'takes a change that knows an entry of the journal', (inner) => ({
    async commit(change) {
      const { head } = await journalOf(inner);
      return (change.knows?.seq ?? head.seq) < head.seq ? answered(inner, 'behind') : inner.commit(change);
    },
  })),
  broken('the genesis anchor is looked up among the entries', 'takes a change that knows the beginning', (inner) => ({
    commit: async (change) => (change.knows?.seq === 0 ? answered(inner, 'behind') : inner.commit(change)),
  })),
  broken('a trimmed entry counts as missing', 'takes a change that knows what a purge has trimmed', (inner) => ({
    async commit(change) {
      const { start } = await journalOf(inner);
      return change.knows !== undefined && change.knows.seq < start.seq ? answered(inner, 'behind') : inner.commit(change);
    },
  })),
  broken(
    'a journal without entries accepts any known entry',
    'takes a change that knows the last of a journal that was trimmed whole',
    (inner) => ({
      async commit(change) {
        const { entries } = await journalOf(inner);
        return change.knows !== undefined && change.knows.seq > 0 && entries.length === 0
          ? answered(inner, 'behind')
          : inner.commit(change);
      },
    }),
  ),
  broken('versions are compared before the known entry', 'answers behind before it compares anything else', (inner) => ({
    async commit(change) {
      const answer = await inner.commit({ ...change, put: [], append: [], remove: [], trimJournalTo: undefined, knows: undefined });
      return answer.outcome === 'conflict' ? answer : inner.commit(change);
    },
  })),
  broken(
    'a known entry counts for every version',
    'answers conflict where the entry is there and an expectation fails',
    commits(({ expect, knows }) => ({ expect: knows === undefined ? expect : [] })),
  ),
  broken(
    'the known entry is compared before the id of the change',
    'answers committed to a change that was applied, regardless of what it knows',
    (inner) => ({
      async commit(change) {
        const answer = await inner.commit({ id: `${change.id}/know`, expect: [], put: [], append: [], knows: change.knows });
        return answer.outcome === 'behind' ? answer : inner.commit(change);
      },
    }),
  ),
  broken(
    'a change that was behind counts as committed when it is repeated',
    'forgets a change that it answered behind',
    (inner, { ids }) => ({
      async commit(change) {
        if (ids.has(change.id)) return answered(inner, 'committed');
        const answer = await inner.commit(change);
        if (answer.outcome === 'behind') ids.add(change.id);
        return answer;
      },
    }),
  ),
  broken('each handle compares known entries with its own appends', 'compares with what another handle has appended', (inner) => {
    const own = new Set<number>([0]);
    return {
      async commit(change) {
        if (change.knows !== undefined && change.knows.seq <= 5 && !own.has(change.knows.seq) && own.size < 5)
          return answered(inner, 'behind');
        const answer = await inner.commit(change);
        if (answer.outcome === 'committed') own.add(answer.head.seq);
        return answer;
      },
    };
  }),
  broken('concurrent changes are judged by the known entry of the first', 'judges each of 64 changes at once by what', (inner) => {
    let first: Anchor | undefined;
    return {
      commit(change) {
        if (first === undefined) queueMicrotask(() => (first = undefined));
        first ??= change.knows;
        return inner.commit(change.knows === undefined ? change : { ...change, knows: first });
      },
    };
  }),
];

/** Guarantee 5 broken for answers: a head that is not the newest, or missing. */
const HEADS = [
  broken('the head of an answer is the head before the change', 'is the last entry of the change that was committed', (inner) => ({
    async commit(change) {
      const { head } = await journalOf(inner);
      return { ...(await inner.commit(change)), head };
    },
  })),
  broken('only a committed change is answered with a head', 'stays where it is when the change appends nothing, conflicts', (inner) => ({
    async commit(change) {
      const answer = await inner.commit(change);
      return answer.outcome === 'committed' ? answer : { ...answer, head: { seq: 0, hash: ZEROS } };
    },
  })),
  broken('the head counts changes, not entries', 'stays where it is when the change appends nothing, conflicts', (inner) => ({
    async commit(change) {
      const answer = await inner.commit(change);
      return change.append.length > 0 ? answer : { ...answer, head: { ...answer.head, seq: answer.head.seq + 1 } };
    },
  })),
  broken('the head of an empty journal has no hash', 'is seq 0 with 64 zeros in a journal that never had an entry', (inner) => ({
    async commit(change) {
      const answer = await inner.commit(change);
      return answer.head.seq > 0 ? answer : { ...answer, head: { seq: 0, hash: '' } };
    },
  })),
  broken('each handle returns the head of its own last entry', 'names what another handle has committed', (inner) => {
    let own: Anchor = { seq: 0, hash: ZEROS };
    return {
      async commit(change) {
        const answer = await inner.commit(change);
        if (answer.outcome === 'committed' && change.append.length > 0) own = answer.head;
        return { ...answer, head: own };
      },
    };
  }),
  broken('the head of an answer has the hash of another entry', 'for each of 64 changes at once', (inner, shared) => {
    let hash = ZEROS;
    return {
      async commit(change) {
        const place = (shared.count += 1);
        const answer = await inner.commit(change);
        const mixed = place % 7 === 0 ? { ...answer, head: { ...answer.head, hash } } : answer;
        hash = answer.head.hash;
        return mixed;
      },
    };
  }),
  broken(
    'a journal whose entries are all trimmed has no head',
    'continues from the last entry when the whole journal was trimmed',
    (inner) => ({
      async commit(change) {
        const answer = await inner.commit(change);
        const { entries } = await journalOf(inner);
        return entries.length > 0 ? answer : { ...answer, head: { seq: 0, hash: ZEROS } };
      },
    }),
  ),
  broken('commit() returns its own head object', 'links to the head kept, not to one of an answer of commit()', (inner) => {
    const given: Anchor[] = [];
    const moved = () => given.some(({ seq }) => seq === 41);
    return {
      async commit(change) {
        const answer = await inner.commit(change);
        const head = { ...answer.head };
        given.push(head);
        return { ...answer, head };
      },
      async journal(query) {
        const slice = await inner.journal(query);
        return moved() ? { ...slice, entries: slice.entries.map((entry) => ({ ...entry, seq: entry.seq + 40 })) } : slice;
      },
    };
  }),
];

export const ANSWERS = [...KNOWS, ...HEADS];
