/** Loaded before a program: BULKHEAD_SEEDED_BUG, a SourceChange as JSON, is made in the module when it is loaded. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { changed } from './seeded-bug.ts';
import type { SourceChange } from './seeded-bug.ts';

const bug = JSON.parse(process.env.BULKHEAD_SEEDED_BUG ?? '') as SourceChange;
const seeded = pathToFileURL(join(import.meta.dirname, '../..', bug.file)).href;

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    if (url !== seeded) return loaded;
    return { ...loaded, source: changed(readFileSync(fileURLToPath(url), 'utf8'), bug) };
  },
});
