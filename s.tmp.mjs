import {build} from 'esbuild'; import {gzipSync} from 'node:zlib';
const r=await build({stdin:{contents:"import {defineJitBadge} from './src/elements.ts'; console.log({defineJitBadge})",resolveDir:process.cwd()},bundle:true,minify:true,format:'esm',write:false,target:'esnext'});
const t=r.outputFiles[0].text; if(process.argv[2])console.log(t); console.log(t.length, gzipSync(t,{level:9}).length);
