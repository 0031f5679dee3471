import { Module } from '@nestjs/common';
import type { DynamicModule, ExecutionContext, FactoryProvider, ModuleMetadata } from '@nestjs/common';
import { readCaller, type CallerOptions, type GuardEngine } from '../options.js';

/** The engine, who is calling, and how all guards of this application answer. */
export interface JitAccessOptions extends CallerOptions<[context: ExecutionContext]> {
  readonly engine: GuardEngine;
}

/** {@link JitAccessOptions} from a factory, for an engine that is a provider itself. */
export interface JitAccessAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: FactoryProvider<JitAccessOptions>['useFactory'];
}

/** Under what the guards find the options. */
export const OPTIONS = Symbol('jit-access');

/**
 * Gives the guards of an application its engine, and who is calling. It is global: import it once.
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

  /** What the factory gives is read when the application starts. */
  static forRootAsync({ imports = [], inject = [], useFactory }: JitAccessAsyncOptions): DynamicModule {
    return { module: JitAccessModule, global: true, imports, providers: [{ provide: OPTIONS, inject, useFactory }], exports: [OPTIONS] };
  }
}
Module({})(JitAccessModule);
