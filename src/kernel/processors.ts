import { readFileSync } from 'node:fs';

/** No processor has as large a number, now or when more are put in. */
export function processorLimit(): number {
  const last = /(\d+)\s*$/.exec(readFileSync('/sys/devices/system/cpu/possible', 'utf8'))?.[1];
  if (last === undefined) throw new Error('the kernel does not say which processors there may be');
  return Number(last) + 1;
}
