/** The type information (BTF) of an object file: its structs and enums. Format: Documentation/bpf/btf.rst. */
import { readFileSync } from 'node:fs';

export interface ObjectTypes {
  /** By struct: its size, and the byte offset of each field. */
  readonly structs: ReadonlyMap<string, { readonly size: number } & Readonly<Record<string, number>>>;
  /** By enum: the number of each name. */
  readonly enums: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

const headerSize = 12;

export function readObjectTypes(path: string): ObjectTypes {
  const btf = sectionNamed(readFileSync(path), '.BTF');
  const start = btf.readUInt32LE(4);
  const types = btf.subarray(start + btf.readUInt32LE(8), start + btf.readUInt32LE(8) + btf.readUInt32LE(12));
  const strings = btf.subarray(start + btf.readUInt32LE(16));
  const text = (offset: number): string => textAt(strings, offset);
  const structs = new Map<string, { size: number } & Record<string, number>>();
  const enums = new Map<string, Map<string, number>>();
  for (let at = 0; at < types.length;) {
    const name = text(types.readUInt32LE(at));
    const info = types.readUInt32LE(at + 4);
    const size = types.readUInt32LE(at + 8);
    const kind = (info >>> 24) & 0x1f;
    const count = info & 0xffff;
    const members = types.subarray(at + headerSize);
    if (kind === 4) {
      const fields = range(count).map((index): [string, number] => [
        text(members.readUInt32LE(12 * index)),
        // The top byte is the width of a bit field.
        (members.readUInt32LE(12 * index + 8) & 0xffffff) / 8,
      ]);
      structs.set(name, { ...Object.fromEntries(fields), size });
    }
    if (kind === 6) {
      const values = range(count).map((index): [string, number] => [
        text(members.readUInt32LE(8 * index)),
        members.readInt32LE(8 * index + 4),
      ]);
      enums.set(name, new Map(values));
    }
    at += headerSize + extraSize(kind, count);
  }
  return { structs, enums };
}

/** Bytes that follow the header of a type. */
function extraSize(kind: number, count: number): number {
  switch (kind) {
    case 1: // integer
    case 14: // variable
    case 17: // declaration tag
      return 4;
    case 3: // array
      return 12;
    case 4: // struct
    case 5: // union
    case 15: // data section
    case 19: // enum of 64 bits
      return 12 * count;
    case 6: // enum
    case 13: // function prototype
      return 8 * count;
    default:
      return 0;
  }
}

/** A section of an ELF file of 64 bits. */
function sectionNamed(file: Buffer, wanted: string): Buffer {
  const table = Number(file.readBigUInt64LE(0x28));
  const entrySize = file.readUInt16LE(0x3a);
  const section = (index: number): Buffer => file.subarray(table + index * entrySize);
  const content = (header: Buffer): Buffer => {
    const offset = Number(header.readBigUInt64LE(0x18));
    return file.subarray(offset, offset + Number(header.readBigUInt64LE(0x20)));
  };
  const names = content(section(file.readUInt16LE(0x3e)));
  for (const index of range(file.readUInt16LE(0x3c))) {
    const header = section(index);
    if (textAt(names, header.readUInt32LE(0)) === wanted) return content(header);
  }
  throw new Error(`no section ${wanted}`);
}

function textAt(bytes: Buffer, offset: number): string {
  return bytes.toString('utf8', offset, bytes.indexOf(0, offset));
}

function range(count: number): number[] {
  return [...Array(count).keys()];
}
