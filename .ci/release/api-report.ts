/*
 * The public interface of each entry, as committed in docs/api. Fails where the code differs, so that each change to it is reviewed;
 * with `--update`, as `npm run generate` calls it, writes the reports. Reads the output of tsc in build/.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { entries, root } from '../../test/package/entries.js';

const update = process.argv.includes('--update');
const configFile = resolve(root, '.ci/release/api-extractor.json');
let failed = false;

mkdirSync(resolve(root, 'docs/api'), { recursive: true });

for (const { name } of entries) {
  const configObject = ExtractorConfig.loadFile(configFile);
  configObject.mainEntryPointFilePath = resolve(root, 'build', `${name}.d.ts`);
  configObject.apiReport = { ...configObject.apiReport, enabled: true, reportFileName: `${name.replaceAll('/', '-')}.api.md` };
  const config = ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: configFile,
    packageJsonFullPath: resolve(root, 'package.json'),
  });
  const result = Extractor.invoke(config, {
    localBuild: update,
    messageCallback: (message) => {
      message.handled = true;
      if (message.messageId.startsWith('console-api-report')) return; // said below, in a line
      if (message.logLevel !== ExtractorLogLevel.Error && message.logLevel !== ExtractorLogLevel.Warning) return;
      console.error(`${name}: ${message.formatMessageWithLocation(root)}`);
    },
  });
  if (!result.succeeded) failed = true;
  const report = `docs/api/${name.replaceAll('/', '-')}.api.md`;
  if (result.apiReportChanged) console.log(update ? report : `${report} differs: look, then npm run generate`);
}

rmSync(resolve(root, 'temp'), { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;
