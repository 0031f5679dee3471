import { expect, it } from 'vitest';
import { serviceLines, services } from './service-lines.js';

it('counts the lines of code of a service after prettier at width 100, without blank lines and comments', async () => {
  const text = `import express from 'express';
// service: begin
/** A comment of
 * two lines. */
const app = express();

// Prettier joins these three lines.
app.get('/', (_req, res) =>
  res.send(
    'hello'));
const text = \`one
// two\`;
app.get('/a-longer-path-of-a-route', (_req, res) => res.send('a text that ends beyond the hundredth column'));
// service: end
app.listen(0);
`;
  // 1 + 1 + 2 + 3: the last call does not fit in 100 columns.
  expect(await serviceLines(text)).toBe(7);
});

it('finds no service without markers, and refuses half of them', async () => {
  expect(await serviceLines('const app = express();\n')).toBeUndefined();
  await expect(serviceLines('// service: begin\nf();\n')).rejects.toThrow("expected one line '// service: begin'");
  await expect(serviceLines('// service: begin\n// service: begin\n// service: end\n')).rejects.toThrow('one line');
});

it('lists the service that an example writes by hand', async () => {
  expect((await services()).map(({ file }) => file)).toContain('http-by-hand.ts');
});
