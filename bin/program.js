// The bundled program, started. V8 need not compile it when it is the V8 that compiled it at build time:
// dist/hairpin.cache holds that code, and another V8 refuses it and compiles by itself.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { V8_FLAGS } from './v8-flags.js';

for (const flag of V8_FLAGS) setFlagsFromString(flag);

const bundle = new URL('../dist/hairpin.js', import.meta.url);
export const codeCache = fileURLToPath(new URL('../dist/hairpin.cache', import.meta.url));

// The bundle is ASCII: esbuild escapes the rest.
export const script = new Script(readFileSync(bundle, 'latin1'), {
  filename: fileURLToPath(bundle),
  cachedData: existsSync(codeCache) ? readFileSync(codeCache) : undefined,
});

const require = createRequire(bundle);

// Modules of Node are loaded when something of them is first used: a lab on the twin needs few of them.
function requireLazily(name) {
  let loaded;
  return new Proxy(
    {},
    {
      get(_, property) {
        loaded ??= require(name);
        return loaded[property];
      },
    },
  );
}

script.runInThisContext()(requireLazily, { exports: {} }, (name) => import(name), bundle.href);
