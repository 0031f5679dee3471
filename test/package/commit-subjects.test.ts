import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { root } from './entries.js';

const FORM = /^(?:feat|fix|perf|refactor|docs|test|build)(?:\([a-z0-9-]+(?:, ?[a-z0-9-]+)*\))?: [a-z`]/;

/** The subjects after a commit, without merges. A shallow clone that lacks the commit has only later ones: all are read. */
function subjectsAfter(commit: string): string[] {
  const log = (range: string) =>
    execFileSync('git', ['log', '--no-merges', '--format=%s', range], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    return log(`${commit}..HEAD`).split('\n').filter(Boolean);
  } catch {
    return log('HEAD').split('\n').filter(Boolean);
  }
}

// Earlier commits have another form, or are longer.
it.each([
  ['type(area): imperative', '83d18b8', (subject: string) => FORM.test(subject)],
  ['at most 72 characters', '6d6e9f2', (subject: string) => subject.length <= 72],
])('the subjects of the commits have the form: %s', (_, since, isRight) => {
  const subjects = subjectsAfter(since);
  expect(subjects).not.toEqual([]);
  expect(subjects.filter((subject) => !isRight(subject))).toEqual([]);
});
