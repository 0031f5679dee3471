import { describe, it } from 'vitest';
import { httpContract } from './contract.js';
import { listening, MOUNTS } from './mounts.js';
import { aService } from './world.js';

for (const { name, hasOthers, make } of MOUNTS) {
  httpContract(
    { describe, it },
    {
      name,
      hasOthers,
      async serve() {
        const { handler, engine } = aService({ http: { basePath: '/access' } });
        const { url, close } = await listening(await make([handler]));
        return {
          url,
          close: async () => {
            await engine.close();
            await close();
          },
        };
      },
    },
  );
}
