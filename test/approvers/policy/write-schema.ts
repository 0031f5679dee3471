/* Writes schema/policy.schema.json: `npm run schema`, after a change to src/approvers/policy/schema.ts. */
import { writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { schemaFile } from './schema-file.js';

writeFileSync('schema/policy.schema.json', await format(schemaFile(), { parser: 'json', singleQuote: true, printWidth: 140 }));
