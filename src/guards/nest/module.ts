import { Module } from '@nestjs/common';
import type { DynamicModule, ExecutionContext, FactoryProvider, ModuleMetadata } from '@nestjs/common';
import { readCaller, type CallerOptions, type GuardEngine } from '../options.js';

/** The engine, the function that identifies the caller, and the defaults of all guards of this application. */
export interface JitAccessOptions extends CallerOptions<[context: ExecutionContext]> {
  /** The engine, or a checker of `jit-access/check`. */
  readonly engine: GuardEngine;
}

/** {@link JitAccessOptions} from a factory, for an engine that is itself a provider. */
export interface JitAccessAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** The providers that the factory receives, as in Nest. Default: none. */
  readonly inject?: FactoryProvider['inject'];
  /** Makes the options, when the application starts. */
  readonly useFactory: FactoryProvider<JitAccessOptions>['useFactory'];
}

/** The injection token of the options. */
export const OPTIONS = Symbol('jit-access');

/**
 * Provides the engine and the caller's identity to all guards of an application. The module is global: import it once.
 *
 * @example
 * JitAccessModule.forRoot({ engine, subject: (context) => context.switchToHttp().getRequest<Request>().user?.id })
 */
export class JitAccessModule {
  /** @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option */
  static forRoot({ engine, ...options }: JitAccessOptions): DynamicModule {
    readCaller(engine, options);
    return JitAccessModule.forRootAsync({ useFactory: () => ({ engine, ...options }) });
  }

  /** The factory's options are validated when the application starts. */
  static forRootAsync({ imports = [], inject = [], useFactory }: JitAccessAsyncOptions): DynamicModule {
    return { module: JitAccessModule, global: true, imports, providers: [{ provide: OPTIONS, inject, useFactory }], exports: [OPTIONS] };
  }
}
Module({})(JitAccessModule);
