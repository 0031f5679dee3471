/*
 * Writes run-time-texts.txt: each file with its texts below it, in the order in which they stand there. `npm run version:next` runs it, so
 * that the pull request of a release shows which texts have changed since the last one.
 */
import { writeFileSync } from 'node:fs';
import { sources, textsOf } from './collect.js';

const files = sources().map((file) => [file, ...new Set(textsOf(file).map(({ text }) => `  ${JSON.stringify(text)}`))]);
const table = files.flatMap((lines) => (lines.length > 1 ? [lines.join('\n')] : [])).join('\n\n');
writeFileSync(new URL('run-time-texts.txt', import.meta.url), `${table}\n`);
