import { isJitError, StoreError } from '../../core/errors.js';
import { invalid, readId, readListener, readOptions } from '../../core/parse.js';
import { Connection, Script } from './connection.js';
import { CONTRACT_SCRIPT } from './contract-script.js';
import { keysOf, scriptKeys } from './keys.js';
import { decodeRow, encodeRow } from './row-text.js';
import { COLUMN } from './text.js';
import { CONNECTION_OPTIONS, readConnection, type RedisGrantStoreOptions } from './options.js';

const CONTRACT = new Script(CONTRACT_SCRIPT);

/** See {@link contractNamespaces}. */
export interface ContractNamespacesOptions extends Omit<RedisGrantStoreOptions, 'namespace'> {
  /** The namespaces whose contract is due: those that your processes serve, from your own list. Each is handled on its own. */
  readonly namespaces: readonly string[];
  /**
   * Called after each script that has read 256 lines, and after each namespace, with the numbers so far. A listener that throws does not
   * stop the contract. Default: none.
   */
  readonly onProgress?: ((progress: ContractReport) => void) | undefined;
}

/** What {@link contractNamespaces} did. */
export interface ContractReport {
  /** How many namespaces only processes of this layout or a newer one can use now. */
  readonly namespaces: number;
  /** How many rows were rewritten for this layout. */
  readonly rows: number;
}

/**
 * Ends an upgrade of the package: rewrites the rows that processes of older layouts have written, and then refuses these processes.
 * New features that older processes could not read are refused until then.
 *
 * Run it when the last process of the older version has ended. Stop and repeat it at any time: it continues where it was. It delays no
 * check and no commit by more than one script, which reads 256 lines.
 *
 * A namespace that was never used, or has moved to another store, is left as it is. One that fails does not stop the others.
 *
 * @throws StoreError or LayoutError of the first namespace that failed, after all others were handled
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * await contractNamespaces({ client: fromNodeRedis(client), namespaces: ['payments', 'billing'] });
 */
export async function contractNamespaces(options: ContractNamespacesOptions): Promise<ContractReport> {
  const given = readOptions('options', options, [...CONNECTION_OPTIONS, 'namespaces', 'onProgress']);
  const connection = new Connection(...readConnection(given));
  const names = readNames(given.namespaces);
  const onProgress = readListener<[progress: ContractReport]>('onProgress', given.onProgress);
  let [namespaces, rows] = [0, 0];
  let failure: { readonly error: unknown } | undefined;
  for (const name of names) {
    try {
      const last = await contract(connection, name, (written) => onProgress({ namespaces, rows: (rows += written) }));
      if (last === undefined) continue;
      onProgress({ namespaces: (namespaces += 1), rows: (rows += last) });
    } catch (error) {
      // A namespace that has moved is closed, so that no process of any layout writes to it.
      if (!(isJitError(error) && error.code === 'ERR_JIT_MOVED')) failure ??= { error };
    }
  }
  if (failure !== undefined) throw failure.error;
  return { namespaces, rows };
}

function readNames(given: unknown): readonly string[] {
  if (!Array.isArray(given)) throw invalid('namespaces', 'a list of namespaces', given);
  return given.map((name: unknown) => readId('namespaces', name));
}

/**
 * The contract of one namespace. It goes step by step: a call of the script writes the rows of a step, and returns the next one.
 *
 * @param onStep receives how many rows each step but the last one has written
 * @returns how many rows the last step has written; `undefined`: the namespace was never used
 * @throws StoreError, LayoutError, MovedError
 */
async function contract(connection: Connection, namespace: string, onStep: (written: number) => void): Promise<number | undefined> {
  const keys = keysOf(namespace);
  for (let step: readonly string[] = ['']; ;) {
    const [state, last = '', written, ...found] = await connection.read('contract', CONTRACT, scriptKeys(keys), step);
    if (state === 'none') return undefined;
    if (state === 'done') return Number(written);
    onStep(Number(written));
    step = [last, ...found.flatMap((text, i) => (i % 2 === 0 ? [] : [found[i - 1] as string, text, rewritten(keys.rows, text)]))];
  }
}

/** A row as this version writes it. A row that cannot be decoded stays as it is: the codec of records refuses it alone. */
function rewritten(rowsKey: string, text: string): string {
  if (text === '') throw new StoreError('contract', `a row that is in the index is missing from ${rowsKey}`);
  try {
    // A body that is not JSON would become an empty one.
    JSON.parse(text.slice(text.lastIndexOf(COLUMN) + 1));
    return encodeRow(decodeRow(text));
  } catch {
    return text;
  }
}
