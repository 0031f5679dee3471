export { jsonLinesSink, type JsonLinesSink, type JsonLinesSinkOptions } from './sinks/jsonl/sink.js';
export { readJsonLines } from './sinks/jsonl/read.js';
