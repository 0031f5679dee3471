import { changeIdOf, GAP, IN_USE, partError, refusePart } from '../../core/namespace-part.js';
import type { NamespacePart } from '../../core/store-port.js';
import { ADOPT_SCRIPT } from './adopt-script.js';
import { storeErrorOf } from './ask-error.js';
import { Script, type Connection } from './connection.js';
import { encodeEntry, encodeUnlinked } from './entry-text.js';
import { scriptKeys, type Keys } from './keys.js';
import { encodeRow, fieldOf } from './row-text.js';
import { encodeText } from './text.js';

const ADOPT = new Script(ADOPT_SCRIPT);

/** Adopts a part of a namespace, by one script. @throws StoreError */
export async function adopt(connection: Connection, keys: Keys, namespace: string, part: NamespacePart): Promise<void> {
  refusePart(namespace, part);
  const { rows, entries, anchors } = part;
  const first = entries[0]?.seq;
  if (first !== undefined && entries.some(({ seq }, i) => seq !== first + i)) throw partError(GAP);
  const { start, head } = anchors ?? {};
  const args = [first ?? '', start?.seq ?? '', start?.hash ?? '', head?.seq ?? '', head?.hash ?? ''].map(String);
  args.push(String(rows.length), ...rows.flatMap((row) => [fieldOf(row), encodeRow(row)]));
  args.push(
    String(entries.length),
    ...entries.flatMap((entry) => [encodeText(changeIdOf(entry)), encodeEntry(encodeUnlinked(entry), entry)]),
  );
  const [outcome] = await connection
    .runReplicated(ADOPT, scriptKeys(keys), args, () => true)
    .catch((error: unknown) => {
      throw storeErrorOf('adopt', error);
    });
  if (outcome !== 'adopted') throw partError(outcome === 'gap' ? GAP : IN_USE);
}
