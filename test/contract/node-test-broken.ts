import { describe, it } from 'node:test';
import { storeContract } from 'jit-access/testing';
import { COMPARED } from './broken/compared.js';

/** The counterpart of `node-test.ts`: Node's runner has to report that this store, where the last write wins, fails. */
for (const { options } of COMPARED.slice(0, 1)) storeContract({ describe, it }, options);
