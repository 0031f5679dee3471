import 'reflect-metadata';
import {
  Controller,
  Get,
  Module,
  type ExecutionContext,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Request } from 'express';
import {
  CurrentAccess,
  JitAccessModule,
  RequireGrant,
  type Access,
} from 'jit-access/nest';
import { engine, subjectOf, tour, until } from './guards/tour.js';

const subject = (context: ExecutionContext) =>
  subjectOf(
    context.switchToHttp().getRequest<Request>().headers.authorization,
  );

class OrdersController {
  write(access: Access) {
    return until(access.decision.validUntil);
  }
}
class AppModule {}

/*
 * What the decorators of a class say, as calls, for a compiler that has no `experimentalDecorators`:
 *
 *   @Controller('orders') class OrdersController {
 *     @Get() @RequireGrant('db-prod:write') write(@CurrentAccess() access: Access) { ... }
 *   }
 */
const write = Object.getOwnPropertyDescriptor(
  OrdersController.prototype,
  'write',
) as PropertyDescriptor;
CurrentAccess()(OrdersController.prototype, 'write', 0);
RequireGrant('db-prod:write')(OrdersController.prototype, 'write', write);
Get()(OrdersController.prototype, 'write', write);
Controller('orders')(OrdersController);
Module({
  imports: [JitAccessModule.forRoot({ engine, subject })],
  controllers: [OrdersController],
})(AppModule);

async function main() {
  const app = await NestFactory.create(AppModule, {
    logger: false,
    forceCloseConnections: true,
  });
  await app.listen(0);
  await tour(
    `${(await app.getUrl()).replace('[::1]', 'localhost')}/orders`,
  );
  await app.close();
}

void main();
