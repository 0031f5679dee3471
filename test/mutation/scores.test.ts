import { describe, expect, it } from 'vitest';
import { mutantsOf, type Mutant } from './report.js';
import { complaints, percent, scoresOf } from './scores.js';

const source = ['export function isOver(at: number, end: number) {', '  return (', '    at >= end', '  );', '}'].join('\n');

/** As Stryker writes it. */
const report = (status: Mutant['status'], path = 'src/lifecycle/over.ts') => ({
  files: {
    [path]: {
      source,
      mutants: [
        {
          mutatorName: 'EqualityOperator',
          replacement: 'at > end',
          status,
          location: { start: { line: 3, column: 5 }, end: { line: 3, column: 14 } },
        },
      ],
    },
  },
});

const one = (file: string, status: Mutant['status']): Mutant => ({ file, mutator: 'm', line: 'l', from: 'f', to: 't', status });
const many = (file: string, found: number, survived: number): Mutant[] => [
  ...Array.from({ length: found }, () => one(file, 'Killed')),
  ...Array.from({ length: survived }, () => one(file, 'Survived')),
];
const listed = (file: string) => ({ ...one(file, 'Survived'), why: 'because' });

describe('mutantsOf()', () => {
  it('describes a mutant by its source text and line, not by its line number', () => {
    expect(mutantsOf(report('Killed'))).toEqual([
      { file: 'lifecycle/over.ts', mutator: 'EqualityOperator', line: 'at >= end', from: 'at >= end', to: 'at > end', status: 'Killed' },
    ]);
  });

  it('puts a mutant over several lines in one line', () => {
    const { files } = report('Killed');
    const [[path, file]] = Object.entries(files) as [[string, (typeof files)[string]]];
    const block = {
      mutatorName: 'BlockStatement',
      replacement: '{}',
      location: { start: { line: 1, column: 49 }, end: { line: 5, column: 2 } },
    };
    const mutants = [{ ...block, status: 'Survived' as const }];
    expect(mutantsOf({ files: { [path]: { ...file, mutants } } })[0]?.from).toBe('{ return ( at >= end ); }');
  });
});

describe('complaints()', () => {
  it('is empty where every room has its score and every survivor that must be listed is listed', () => {
    expect(complaints([...many('core/scope.ts', 95, 5), ...many('engine/requests/ask.ts', 90, 10)], [listed('core/scope.ts')])).toEqual([]);
  });

  it('names a room whose score is below its minimum by any amount', () => {
    expect(
      complaints([...many('core/scope.ts', 949, 51), ...many('core/clock.ts', 95, 5)], [listed('core/scope.ts'), listed('core/clock.ts')]),
    ).toEqual(['scope: 94.9 % of the changes were found, and at least 95 % have to be']);
  });

  it('names the core as a whole where its score is too low', () => {
    expect(complaints(many('engine/requests/ask.ts', 89, 11), [])).toEqual([
      'all of it: 89 % of the changes were found, and at least 90 % have to be',
    ]);
  });

  it('counts a mutant without coverage or with an error as a survivor, and a time-out as found', () => {
    const [score] = scoresOf([
      one('core/clock.ts', 'NoCoverage'),
      one('core/clock.ts', 'Timeout'),
      one('core/clock.ts', 'Ignored'),
      one('core/clock.ts', 'RuntimeError'),
    ]);
    expect(score).toMatchObject({ found: 1, survived: [{ status: 'NoCoverage' }, { status: 'RuntimeError' }], ignored: 1 });
  });

  it.each(['core/scope.ts', 'core/clock.ts', 'lifecycle/transition.ts', 'journal/replay/rebuild.ts'])(
    'names an unlisted survivor in %s',
    (file) => {
      expect(complaints(many(file, 99, 1), [])).toEqual([expect.stringContaining(`survived, and is not listed: ${file}, m`)]);
      expect(complaints(many(file, 99, 1), [{ ...listed(file), to: 'another' }])).toHaveLength(2);
    },
  );

  it('does not require the list for other rooms', () => {
    expect(complaints(many('records/make.ts', 99, 1), [])).toEqual([]);
  });

  it('names a listed survivor that was found, where its room was tested', () => {
    expect(complaints(many('core/scope.ts', 1, 0), [listed('core/scope.ts'), listed('core/clock.ts')])).toEqual([
      expect.stringContaining('is listed, and does not survive: core/scope.ts'),
    ]);
  });

  it('complains about an empty report', () => {
    expect(complaints([], [])).toEqual(['nothing was changed, which says nothing']);
  });
});

describe('percent()', () => {
  it('is rounded down', () => {
    expect(percent(94_999, 5_001)).toBe(94.99);
    expect(percent(1, 0)).toBe(100);
  });
});
