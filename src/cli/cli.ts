#!/usr/bin/env node
import { main } from './main.js';

const { argv, env, stdout, stderr } = process;
// The reader of a pipe may end first, as `head` does. Any other failure must not look like success.
const failed = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EPIPE') throw error;
};
stdout.on('error', failed);
stderr.on('error', failed);
/** Ctrl-C, and the signal of a supervisor. A second one ends the process at once. */
const stop = (): AbortSignal => {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => ended.abort());
  return ended.signal;
};
/** NO_COLOR: https://no-color.org */
const isColoured = ({ isTTY }: { readonly isTTY?: boolean }): boolean => isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
const colours = { out: isColoured(stdout), err: isColoured(stderr) };
const terminal = { env, colours, out: (text: string) => stdout.write(text), err: (text: string) => stderr.write(text), stop };
void main(argv.slice(2), terminal).then((code) => (process.exitCode = code));
