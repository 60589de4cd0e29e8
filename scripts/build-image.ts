/**
 * Builds the container image without a container engine: npm run image [-- FILE], by default dist/bulkhead-image.tar. For
 * the architecture of this machine, whose libraries it takes. SOURCE_DATE_EPOCH sets the time of everything in it.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { imageReference, root, version } from './deploy/names.ts';
import { writeImageArchive } from './image/archive.ts';
import { bulkheadFiles, launcher, runtimeFiles } from './image/files.ts';

const file = process.argv[2] ?? join(root, 'dist/bulkhead-image.tar');
const digest = writeImageArchive(
  {
    reference: imageReference,
    entrypoint: [launcher],
    environment: ['PATH=/usr/sbin:/usr/bin'],
    labels: {
      'org.opencontainers.image.title': 'bulkhead',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': 'Apache-2.0',
    },
    layers: [runtimeFiles(), bulkheadFiles()],
    time: Number(process.env.SOURCE_DATE_EPOCH ?? 0),
  },
  file,
);
console.log(`${file}: ${imageReference}, ${(statSync(file).size / 1e6).toFixed(0)} MB\n${digest}`);
