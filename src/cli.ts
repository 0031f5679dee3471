#!/usr/bin/env node
/// <reference types="node" />
import { main } from './features/command-line/main.js';

const { argv, env, stdout, stderr } = process;
const terminal = { env, out: (text: string) => stdout.write(text), err: (text: string) => stderr.write(text) };
void main(argv.slice(2), terminal).then((code) => (process.exitCode = code));
