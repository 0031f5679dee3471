import { execFileSync } from 'node:child_process';
import { root } from './entries.js';

/** The form is checked after this commit. */
const FORM_SINCE = '83d18b8';
/** The length is checked after this commit: some subjects before it are longer. */
const LENGTH_SINCE = '6d6e9f2';

const FORM = /^(?:feat|fix|perf|refactor|docs|test|build)(?:\([a-z0-9-]+(?:, ?[a-z0-9-]+)*\))?: [a-z`]/;
const MAX_LENGTH = 72;

const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

/** The subjects after a commit, without merges. A shallow clone that lacks the commit has only later ones: all are read. */
function subjectsAfter(commit: string): string[] {
  const log = (...range: string[]) =>
    git('log', '--no-merges', '--format=%s', ...range)
      .split('\n')
      .filter((subject) => subject !== '');
  try {
    return log(`${commit}..HEAD`);
  } catch {
    return log('HEAD');
  }
}

export const hasForm = (subject: string): boolean => FORM.test(subject);
export const isShort = (subject: string): boolean => subject.length <= MAX_LENGTH;

/** The subjects of this clone that are not `type(area): imperative`, or are too long. */
export function wrongSubjects(): string[] {
  const wrong = [
    ...subjectsAfter(FORM_SINCE).filter((subject) => !hasForm(subject)),
    ...subjectsAfter(LENGTH_SINCE).filter((subject) => !isShort(subject)),
  ];
  return [...new Set(wrong)];
}
