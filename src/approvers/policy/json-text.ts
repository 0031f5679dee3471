import { InvalidArgumentError } from '../../core/errors.js';
import { scanJson, type JsonPath, type JsonProblem } from '../../core/json-scan.js';
import { pathOf } from './check.js';
import { MAX_DEPTH } from './copy.js';

/**
 * Parses the text of a file. Unlike `JSON.parse`, it names the line of a syntax error, and it refuses a repeated field.
 *
 * @throws InvalidArgumentError that names the line
 */
export function parseJson(text: string): unknown {
  // Some editors write a byte order mark at the start, which JSON does not allow.
  const json = text.startsWith('\uFEFF') ? text.slice(1) : text;
  scanJson(json, MAX_DEPTH, (problem, at, path) => errorOf(problem, placeOf(json, at), path, at === 0));
  return JSON.parse(json) as unknown;
}

function errorOf(problem: JsonProblem, place: string, path: JsonPath, isAtStart: boolean): InvalidArgumentError {
  if (problem === 'depth')
    return new InvalidArgumentError(pathOf(undefined, path), `nested at most ${MAX_DEPTH} levels deep`, 'more levels');
  if (problem === 'repeated') return new InvalidArgumentError(pathOf(undefined, path), 'set only once', `a second value at ${place}`);
  // The usual mistake at the first character: the path of the file.
  const expected = isAtStart ? "valid JSON, for example readFileSync(path, 'utf8')" : 'valid JSON';
  return new InvalidArgumentError('policy', expected, `a syntax error at ${place}`);
}

function placeOf(json: string, at: number): string {
  const before = json.slice(0, at).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}
