import { systemClock } from '../../core/clock.js';
import { Stopwatch } from '../../core/stopwatch.js';
import type { Change, GrantStore } from '../../core/store-port.js';
import { aChange, aRow } from '../builders.js';
import { holds, same } from '../assertions.js';
import { atOnce, changeOf, commit, conflict, getOne, given, isKept, journalIds, next, outcomeOf } from './steps.js';
import type { Cases } from './cases.js';

/** Guarantee 2: of two changes that each rely on a record which the other writes, exactly one commits. */
export const compared: Cases = (it, hooks) => {
  written(it, hooks);
  onlyRead(it, hooks);
  crossed(it, hooks);
  independent(it, hooks);
  counted(it, hooks);
  versions(it, hooks);
  keys(it, hooks);
};

/** Of concurrent changes that write one record, exactly one commits. */
const written: Cases = (it) => {
  it('lets exactly one of 64 concurrent changes win that expect the same version', async (store) => {
    const row = aRow({ id: 'x' });
    await given(store, [row]);
    const before = (await journalIds(store)).length;
    const outcomes = await atOnce(64, (i) => outcomeOf(store, changeOf(store, `c${i}`, [next(row, { body: { winner: i } })])));
    const winners = outcomes.flatMap((outcome, i) => (outcome === 'committed' ? [i] : []));
    same(winners.length, 1, 'the number of changes that committed');
    same(outcomes.filter((outcome) => outcome === 'conflict').length, 63, 'the number of changes that were answered conflict');
    const [winner] = winners as [number];
    await isKept(store, row, next(row, { body: { winner } }), 'the row that is left: that of the winner');
    same((await journalIds(store)).slice(before), [`c${winner}.1`], 'the entries that were added: that of the winner');
  });

  it('lets exactly one of 64 concurrent changes create a record', async (store) => {
    const outcomes = await atOnce(64, (i) => outcomeOf(store, changeOf(store, `c${i}`, [aRow({ id: 'x', body: { winner: i } })])));
    same(outcomes.filter((outcome) => outcome === 'committed').length, 1, 'the number of changes that committed');
    const winner = outcomes.indexOf('committed');
    await isKept(store, aRow({ id: 'x' }), aRow({ id: 'x', body: { winner } }), 'the row that is left: that of the winner');
    same(await journalIds(store), [`c${winner}.1`], 'the entries: that of the winner');
  });
};

/** A record that a change only read is compared too. */
const onlyRead: Cases = (it) => {
  it('refuses a change when a record that it only read has changed', async (store) => {
    const read = aRow({ kind: 'request', id: 'read' });
    await given(store, [read]);
    await given(store, [next(read)]);
    const change = changeOf(store, 'c1', [aRow({ id: 'written' })]);
    await conflict(store, { ...change, expect: [...change.expect, read] }, 'the record that it only read is at version 2');
    same(await getOne(store, aRow({ id: 'written' })), undefined, 'the row of the refused change');
  });

  it('refuses a change when a record that it only read has been created or removed', async (store) => {
    const read = aRow({ kind: 'subject', id: 'user:maya' });
    await given(store, [read]);
    const relying = (version: number) => {
      const change = changeOf(store, `relying-on-${version}`, [aRow({ id: 'written' })]);
      return { ...change, expect: [{ kind: 'subject', id: 'user:maya', version }, ...change.expect] };
    };
    await conflict(store, relying(0), 'the record that must not exist was created');
    await commit(store, changeOf(store, 'removal', [], { expect: [read], remove: [read] }));
    await conflict(store, relying(1), 'the record that must be at version 1 was removed');
    await commit(store, relying(0));
  });
};

/** Of concurrent changes that each read a record which the others write, exactly one commits. */
const crossed: Cases = (it) => {
  it('lets exactly one of two concurrent changes win that each read what the other writes', async (store) => {
    for (let round = 0; round < 16; round++) {
      const [a, b] = [aRow({ kind: 'request', id: `a${round}` }), aRow({ kind: 'grant', id: `b${round}` })] as const;
      await given(store, [a, b]);
      const changes = [changeOf(store, `a${round}`, [next(a)]), changeOf(store, `b${round}`, [next(b)])].map((change) => ({
        ...change,
        expect: [a, b],
      }));
      const outcomes = await Promise.all(changes.map((change) => outcomeOf(store, change)));
      same([...outcomes].sort(), ['committed', 'conflict'], `the outcomes of round ${round}`);
    }
  });

  it('lets exactly one of 64 concurrent changes win of which each half writes what the other half only reads', async (store) => {
    for (const round of [0, 1]) {
      const [grant, usage] = [aRow({ kind: 'grant', id: `x${round}` }), aRow({ kind: 'usage', id: `x${round}` })] as const;
      await given(store, [grant, usage]);
      const outcomes = await atOnce(64, (i) => {
        // Alternates which half comes first: the other half must detect that the record it only read has changed.
        const written = (i + round) % 2 === 0 ? usage : grant;
        return outcomeOf(store, changeOf(store, `c${round}.${i}`, [next(written, { body: { winner: i } })], { expect: [grant, usage] }));
      });
      same(outcomes.filter((outcome) => outcome === 'committed').length, 1, `the number of changes that committed in round ${round}`);
      const rows = await store.get([grant, usage]);
      same(rows.map((row) => row?.version).sort(), [1, 2], 'the versions of the two records: one was written, the other only read');
    }
  });

  it('commits nothing after the change that changed what it only read, of 64 at once', async (store) => {
    const grant = aRow({ kind: 'grant', id: 'x' });
    await given(store, [grant]);
    const outcomes = await atOnce(64, (i) => {
      if (i === 31) return outcomeOf(store, changeOf(store, 'the-end', [next(grant, { open: false })]));
      const use = aRow({ kind: 'use', id: `use-${i}`, open: false, from: undefined, dueAt: undefined });
      const change = changeOf(store, `use-${i}`, [use]);
      return outcomeOf(store, { ...change, expect: [...change.expect, grant] });
    });
    same(outcomes[31], 'committed', 'the outcome of the change that ends the grant: the others only read it');
    const ids = await journalIds(store);
    same(ids.slice(ids.indexOf('the-end.1') + 1), [], 'the entries after that of the end');
    const uses = await store.get(outcomes.map((_, i) => ({ kind: 'use', id: `use-${i}` })));
    const committed = outcomes.flatMap((outcome, i) => (outcome === 'committed' && i !== 31 ? [`use-${i}`] : []));
    same(
      uses.flatMap((row) => (row === undefined ? [] : [row.id])),
      committed,
      'the uses that are kept: those that were answered committed',
    );
  });

  it('lets exactly one of 64 concurrent changes win that write different records and read one that each of them changes', async (store) => {
    const subject = aRow({ kind: 'subject', id: 'user:maya' });
    await given(store, [subject]);
    const outcomes = await atOnce(64, (i) => outcomeOf(store, changeOf(store, `c${i}`, [aRow({ id: `r${i}` }), next(subject)])));
    same(outcomes.filter((outcome) => outcome === 'committed').length, 1, 'the number of changes that committed');
    const created = await store.get(outcomes.map((_, i) => aRow({ id: `r${i}` })));
    same(created.filter((row) => row !== undefined).length, 1, 'the number of records that were created');
  });
};

/** A lost race over the head alone is not an answer: the store repeats its write itself. */
const independent: Cases = (it, { reopen }) => {
  it('commits each of 64 changes at once through each of two handles, which have no record in common', async (store, _leaveOut, print) => {
    const handles = [store, await reopen(store)];
    let longest = 0;
    const outcomes = await atOnce(128, async (i) => {
      const watch = new Stopwatch(systemClock);
      const outcome = await outcomeOf(handles[i % 2] as GrantStore, changeOf(store, `c${i}`, [aRow({ id: `r${i}` })]));
      longest = Math.max(longest, watch.ms);
      return outcome;
    });
    same([...new Set(outcomes)], ['committed'], 'the outcomes, without repetitions');
    same((await journalIds(store)).length, 128, 'the number of entries');
    print(`of 64 changes at once through each of two handles, the longest waited ${Math.ceil(longest)} ms`);
  });
};

/** A writer that retries after a conflict loses no update. */
const counted: Cases = (it) => {
  it('loses no update: 16 writers that read, add one and try again count to 16', async (store) => {
    const counter = aRow({ kind: 'usage', id: 'counter', body: { count: 0 } });
    await given(store, [counter]);
    await atOnce(16, async (writer) => {
      for (let attempt = 0; attempt < 100; attempt++) {
        const row = await getOne(store, counter);
        holds(row !== undefined, 'the counter is there');
        const counted = next(row, { body: { count: Number(row.body['count']) + 1 } });
        if ((await outcomeOf(store, changeOf(store, `w${writer}.${attempt}`, [counted]))) === 'committed') return;
      }
      holds(false, 'a writer commits after at most one conflict for each of the others: it had 100');
    });
    await isKept(store, counter, aRow({ ...counter, version: 17, body: { count: 16 } }), 'the counter');
    same((await journalIds(store)).length, 17, 'the number of entries');
  });
};

/** Every expectation is compared for equality, at any position. */
const versions: Cases = (it) => {
  it('treats 0 as "must not exist", whether the record is written or only read', async (store) => {
    const row = aRow({ id: 'x' });
    await given(store, [row]);
    await conflict(store, changeOf(store, 'c1', [row]), 'the record that it would create exists');
    const reading = changeOf(store, 'c2', [aRow({ id: 'y' })]);
    await conflict(store, { ...reading, expect: [...reading.expect, { kind: 'grant', id: 'x', version: 0 }] }, 'the record exists');
  });

  it('writes the version that the change gives, also 2 to a new record, and 2 above the kept one', async (store) => {
    const [created, written] = [aRow({ id: 'x', version: 2 }), aRow({ id: 'x', version: 4 })];
    await commit(store, changeOf(store, 'c1', [created], { expect: [{ ...created, version: 0 }] }));
    await isKept(store, created, created);
    await conflict(store, changeOf(store, 'c2', [created], { expect: [{ ...created, version: 0 }] }), 'the record exists');
    await commit(store, changeOf(store, 'c3', [written], { expect: [created] }));
    await isKept(store, written, written);
  });

  it('refuses any version of a record that does not exist', async (store) => {
    for (const version of [1, 2, 1_000]) {
      await conflict(store, expecting(store, [{ kind: 'grant', id: 'x', version }]), `there is no record, so none at version ${version}`);
    }
  });

  it('compares for equality: an older and a newer version than the kept one are both refused', async (store) => {
    const row = aRow({ id: 'x' });
    await given(store, [row]);
    await given(store, [next(row)]);
    await given(store, [next(next(row))]);
    for (const version of [0, 1, 2, 4, 30]) {
      await conflict(store, expecting(store, [{ kind: 'grant', id: 'x', version }]), `the record is at version 3, not ${version}`);
    }
    await commit(store, expecting(store, [{ kind: 'grant', id: 'x', version: 3 }]));
  });

  it('compares the version of a record that is removed', async (store) => {
    const row = aRow({ id: 'x' });
    await given(store, [row]);
    await given(store, [next(row)]);
    await conflict(store, changeOf(store, 'c1', [], { expect: [row], remove: [row] }), 'the record is at version 2');
    await isKept(store, row, next(row));
  });
};

/** Every expectation is compared, by kind and id. */
const keys: Cases = (it) => {
  it('compares every expectation, wherever it stands', async (store) => {
    const rows = ['a', 'b', 'c'].map((id) => aRow({ id }));
    await given(store, rows);
    for (let stale = 0; stale < rows.length; stale++) {
      const expect = rows.map(({ kind, id }, i) => ({ kind, id, version: i === stale ? 2 : 1 }));
      await conflict(store, expecting(store, expect), `expectation ${stale + 1} of 3 does not hold`);
    }
    await commit(store, expecting(store, rows));
  });

  it('compares kind and id together', async (store) => {
    await given(store, [aRow({ kind: 'grant', id: 'x' })]);
    await commit(store, expecting(store, [{ kind: 'request', id: 'x', version: 0 }]));
    await conflict(store, expecting(store, [{ kind: 'request', id: 'x', version: 1 }]), 'there is a grant x, but no request x');
  });

  it('answers a change that only compares', async (store) => {
    const row = aRow({ id: 'x' });
    await given(store, [row]);
    await commit(store, aChange({ expect: [row] }));
    await conflict(store, aChange({ expect: [next(row)] }), 'the record is at version 1');
    await isKept(store, row, row);
  });
};

let changes = 0;

/** A change that writes only an entry, and relies on the given records. */
function expecting(store: GrantStore, expect: Change['expect']): Change {
  return changeOf(store, `expecting-${++changes}`, [], { expect: expect.map(({ kind, id, version }) => ({ kind, id, version })) });
}
