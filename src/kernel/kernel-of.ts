import { InvalidArgumentError } from '../core/errors.js';
import { show } from '../core/parse.js';
import { kernelForView } from '../core/shared.js';
import type { Kernel } from './kernel.js';

/** Exported from no entry: only this copy of the package reaches the kernel of an engine that it made. */
const KERNEL = Symbol('kernel');

/** A property, not a map of objects, so that a `Proxy` around an engine (for tracing) has its kernel too. */
export function setKernel(engine: object, kernel: Kernel): void {
  for (const key of [KERNEL, kernelForView()]) Object.defineProperty(engine, key, { value: kernel });
}

/** The kernel of an engine; `undefined`: the value is no engine, or another copy of this package made it. */
export function kernelIn(engine: unknown, key: symbol = KERNEL): Kernel | undefined {
  const isObject = (typeof engine === 'object' && engine !== null) || typeof engine === 'function';
  return isObject ? (engine as { readonly [key: symbol]: Kernel | undefined })[key] : undefined;
}

/**
 * The kernel of an engine, for the functions that take an engine as their first argument.
 *
 * @param key default: that of this copy
 * @throws InvalidArgumentError for any value other than an engine of this copy of the package
 */
export function kernelOf(engine: unknown, key?: symbol): Kernel {
  const kernel = kernelIn(engine, key);
  if (kernel !== undefined) return kernel;
  const rule =
    "a JitEngine of this copy of jit-access. Two copies (ESM and CommonJS, or two versions) do not know each other's engines: " +
    'load one version in one format, and in a bundler such as Next list jit-access in serverExternalPackages';
  throw new InvalidArgumentError('engine', rule, show(engine));
}
