import { expectTypeOf, it } from 'vitest';
import type { EntryData, EntryType, RecordOf, StoredRecord } from '../../src/records/index.js';

/** The fields of all entries whose type begins with this. */
type Carried<Prefix extends string> = { [Type in EntryType & `${Prefix}.${string}`]: keyof EntryData[Type] }[EntryType &
  `${Prefix}.${string}`];

/** The fields of a record that none of the fields carries. The key and the version lie in every entry, under names of their own. */
type Lost<Kind extends StoredRecord['kind'], Fields> = Exclude<keyof RecordOf<Kind>, Fields | 'kind' | 'id' | 'version'>;

it('L27 the entries carry every field of a record, or it follows from others', () => {
  // The journal has the hash of the metadata.
  expectTypeOf<Lost<'request', Carried<'request' | 'breakGlass'>>>().toEqualTypeOf<'metadata'>();
  // An entry names its request outside `data`.
  expectTypeOf<Lost<'grant', Carried<'grant'>>>().toEqualTypeOf<'requestId'>();
  expectTypeOf<Lost<'usage', Carried<'usage' | 'grant'>>>().toBeNever();
  expectTypeOf<Lost<'activity', Carried<'grant'>>>().toBeNever();
  // The entry names the grant outside `data`. `usedAt` is the instant, and `usesLeft` follows from `maxUses`.
  expectTypeOf<Lost<'use', Carried<'grant'>>>().toEqualTypeOf<'grantId' | 'at' | 'usesLeft'>();
  expectTypeOf<Lost<'comment', EntryFields<'request.commented'>>>().toEqualTypeOf<'requestId' | 'by' | 'at'>();
  expectTypeOf<Lost<'reuse', EntryFields<'request.reused'>>>().toEqualTypeOf<'requestId'>();
  expectTypeOf<Lost<'lock', Carried<'lock'>>>().toBeNever();
  expectTypeOf<Lost<'provisioning', Carried<'provisioning'>>>().toBeNever();
});

type EntryFields<Type extends EntryType> = keyof EntryData[Type];
