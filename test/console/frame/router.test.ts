import { describe, expect, it } from 'vitest';
import { pathOf, routeOf } from '../../../src/console/app/frame/router.js';

const at = (address: string, base = '/console/') => {
  const found = routeOf(new URL(address, 'https://own.example'), base);
  return found && [found.view, found.id, String(found.query)];
};

describe('an address of the console', () => {
  it('names a view', () => {
    expect(at('/console/')).toEqual(['access', undefined, '']);
    expect(at('/console')).toEqual(['access', undefined, '']);
    expect(at('/console/inbox')).toEqual(['inbox', undefined, '']);
    expect(at('/console/break-glass/')).toEqual(['break-glass', undefined, '']);
    expect(at('/inbox', '/')).toEqual(['inbox', undefined, '']);
  });

  it('names a request and filters', () => {
    expect(at('/console/requests/r%2F1?by=ana')).toEqual(['request', 'r/1', 'by=ana']);
    expect(at('/console/ask?scope=db%3Aread')).toEqual(['ask', undefined, 'scope=db%3Aread']);
  });

  it.each(['/console/nowhere', '/console/requests', '/console/requests/', '/console/request', '/console/access', '/console/requests/a/b'])(
    'of no view has no place: %s',
    (address) => expect(at(address)).toBeUndefined(),
  );

  it.each(['/consolex/inbox', '/other', '/console/requests/%E0%A4%A'])(
    'outside the base, or with a broken id, has no place: %s',
    (address) => expect(at(address)).toBeUndefined(),
  );

  it.each(['r1', 'a/b', '../x', 'ü?&#', '%2F'])('returns with the request that it was made of: %s', (id) => {
    const path = pathOf('/console/', 'request', id, { after: 'x y', none: undefined, empty: '' });
    expect(at(path)).toEqual(['request', id, 'after=x+y']);
  });

  it('has no filter without a value', () => {
    expect(pathOf('/', 'history', undefined, { scope: '' })).toBe('/history');
    expect(pathOf('/', 'access')).toBe('/');
  });
});
