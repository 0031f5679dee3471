import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as errors from '../../src/core/errors.js';

const source = ['refusals', 'ask-refusals', 'locked', 'failures', 'moved']
  .map((name) => readFileSync(new URL(`../../src/core/errors/${name}.ts`, import.meta.url), 'utf8'))
  .join('\n');
const classes = Object.keys(errors).filter((name) => name.endsWith('Error') && name !== 'JitError' && name !== 'isJitError');

describe('the source of JitError', () => {
  it.each(classes)('%s has the literal name of its class, also where a minifier renames classes', (name) => {
    expect(source).toContain(`class ${name} extends JitError {\n  override readonly name = '${name}';`);
  });
});
