import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreError } from 'jit-access';
import { aChange, anEntry, aRow, storeContract } from 'jit-access/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileGrantStore } from '../../examples/store-from-the-docs.js';

let root: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'jit-access-store-'));
});
afterAll(() => rm(root, { recursive: true }));

const folderOf = new WeakMap<FileGrantStore, string>();

async function create(): Promise<FileGrantStore> {
  const folder = join(root, String(++count));
  const store = await FileGrantStore.open(folder, 'default');
  folderOf.set(store, folder);
  return store;
}

storeContract(
  { describe, it },
  {
    name: 'the store of docs/guides/writing-a-store.md',
    create,
    reopen: (store) => FileGrantStore.open(folderOf.get(store) as string, store.namespace),
    // As when a disk is unmounted: the folder exists, and is empty.
    async breakBackend(store) {
      const folder = folderOf.get(store) as string;
      await rename(folder, `${folder}.gone`);
      await FileGrantStore.open(folder, 'default');
      await rm(join(folder, 'store.marker'));
      return async () => {
        await rm(folder, { recursive: true });
        await rename(`${folder}.gone`, folder);
      };
    },
  },
);

describe('FileGrantStore', () => {
  it('keeps the old file when a process dies before it has replaced the file', async () => {
    const store = await create();
    const row = aRow();
    await store.commit(aChange({ put: [row], append: [anEntry()] }));
    const [file] = (await readdir(folderOf.get(store) as string)).filter((name) => name.endsWith('.json'));
    await writeFile(join(folderOf.get(store) as string, `${file}.new`), '{"rows":[{"kind":');
    expect(await store.get([row])).toEqual([row]);
    expect(await store.commit(aChange({ put: [{ ...row, version: 2 }], append: [anEntry({ id: 'c2.1' })] }))).toMatchObject({
      outcome: 'committed',
    });
  });

  it('refuses a file of another layout, and names both versions', async () => {
    const store = await create();
    await store.commit(aChange({ put: [aRow()], append: [anEntry()] }));
    const [name] = (await readdir(folderOf.get(store) as string)).filter((one) => one.endsWith('.json'));
    const file = join(folderOf.get(store) as string, name as string);
    await writeFile(file, (await readFile(file, 'utf8')).replace('"layout":1', '"layout":2'));
    const refused = /the file is of layout 2, and this store knows layout 1/;
    await expect(store.get([aRow()])).rejects.toThrow(refused);
    await expect(store.live({ subject: 'user:maya', at: 0 })).rejects.toThrow(refused);
    await expect(store.commit(aChange({ append: [anEntry({ id: 'c2.1' })] }))).rejects.toThrow(refused);
  });

  it('rejects with a truncated file, instead of returning nothing', async () => {
    const store = await create();
    await store.commit(aChange({ put: [aRow()], append: [anEntry()] }));
    const folder = folderOf.get(store) as string;
    const [file] = (await readdir(folder)).filter((name) => name.endsWith('.json'));
    await writeFile(join(folder, file as string), '');
    await expect(store.live({ subject: 'user:maya', at: 0 })).rejects.toBeInstanceOf(StoreError);
  });
});
