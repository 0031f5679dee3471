/*
 * Loaded before the programs of a page: their clock is ahead of the machine's by the milliseconds in a file, so that a test can let the
 * minutes of the page pass. SIGTERM ends them as Ctrl+C ends a program of a reader.
 */
import { readFileSync } from 'node:fs';

const ahead = () => Number(readFileSync(process.env.JIT_TEST_AHEAD, 'utf8'));
const { now } = Date;
const elapsed = performance.now.bind(performance);
Date.now = () => now() + ahead();
performance.now = () => elapsed() + ahead();
process.on('SIGTERM', () => process.exit(0));
