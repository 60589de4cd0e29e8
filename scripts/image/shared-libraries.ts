/** Which shared libraries a program needs, by ldd(1): those of the machine that the image is built on. */
import { execFileSync } from 'node:child_process';

/** Paths of everything that the ELF files need, the loader included, as the loader finds them. */
export function sharedLibraries(files: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const file of files) {
    for (const line of execFileSync('ldd', [file], { encoding: 'utf8' }).split('\n')) {
      if (line.includes('not found'))
        throw new Error(`${file} needs a library that is not here: ${line.trim()}`);
      const [path] = /\/\S+(?= \(0x)/.exec(line) ?? [];
      if (path !== undefined) found.add(path);
    }
  }
  return found;
}

/** Path of a library that is loaded by its name while the program runs. */
export function libraryNamed(name: string): string {
  const index = execFileSync('ldconfig', ['-p'], { encoding: 'utf8', env: { PATH: '/usr/sbin:/sbin' } });
  const line = index.split('\n').find((one) => one.trim().startsWith(`${name} `) && one.includes(abi()));
  const path = line?.split(' => ')[1];
  if (path === undefined) throw new Error(`${name} is not here; npm run setup installs it`);
  return path;
}

/** As ldconfig tells libraries of this machine from those of others that it can run. */
function abi(): string {
  return process.arch === 'arm64' ? 'AArch64' : 'x86-64';
}
