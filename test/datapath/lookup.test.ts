/** What packets find in the tables of the kernel is what the rows say, whatever shares their lines. */
import { describe, expect, test } from 'vitest';
import { hasClang, withObject } from './broken-objects.ts';
import type { SourceChange } from './broken-objects.ts';
import { isRoot, objectPath } from './kernel-tables.ts';
import { lookupFaults } from './lookup-faults.ts';

describe.skipIf(!isRoot)('[root] lookups in the kernel', () => {
  test('find what the rows say, while rows come and go in little room', () => {
    expect(lookupFaults(objectPath)).toEqual([]);
  });
});

function change(file: string, from: string, to: string): SourceChange {
  return { file, from, to };
}

const mutations: Record<string, SourceChange> = {
  'an address is looked for as a prefix': change(
    'addresses.h',
    'span == 1 ? VALUE_EXACT : 0, version);\n\n		if (slot)',
    '0, version);\n\n		if (slot)',
  ),
  'an IPv6 address is looked for as a prefix': change(
    'addresses.h',
    'word == 3 && span == 1 ? VALUE_EXACT : 0',
    '0',
  ),
  'prefixes are not marked': change(
    'addresses.h',
    'find4((address & -span) | span >> 1,',
    'find4((address & -span),',
  ),
  'prefixes are not masked': change('addresses.h', 'find4((address & -span) |', 'find4(address |'),
  'the shortest prefix counts': change(
    'addresses.h',
    '		__u32 span = spans & -spans;\n		__u64 slot',
    '		__u32 span = spans >= 256 ? 256 : spans & -spans;\n		__u64 slot',
  ),
  'short prefixes are not asked': change('addresses.h', '	return entry->value;', '	return 0;'),
  'only one length is tried': change('addresses.h', 'i < 16 && spans', 'i < 1 && spans'),
  'the directory of the other copy is asked': change(
    'addresses.h',
    'version << 16 | address >> 16',
    '(version ^ 1) << 16 | address >> 16',
  ),
  'the other copy is asked': change(
    'addresses.h',
    'version * options.addresses4',
    '(version ^ 1) * options.addresses4',
  ),
  'what is shadowed counts': change(
    'tables.h',
    '#define VALUE_KEY (VALUE_EXACT | VALUE_SHADOWED)',
    '#define VALUE_KEY VALUE_EXACT',
  ),
  'only the home line is read': change('tables.h', '#define WINDOW4 12', '#define WINDOW4 1'),
  'only the home line is read over IPv6': change('tables.h', '#define WINDOW6 32', '#define WINDOW6 1'),
  'only the home line is read of classes and ports': change(
    'tables.h',
    '#define WINDOW 24',
    '#define WINDOW 1',
  ),
  'a mark ends the search': change('addresses.h', '|| !slot)', '|| !(slot & 0xfffffffeffffffff))'),
  'a mark ends the search over IPv6': change(
    'addresses.h',
    'return !(slot->value |',
    'return !((slot->value & ~SLOT_GONE) |',
  ),
  'a mark ends the search for a class': change(
    'lookup.h',
    'slot->spans;\n			if (!held)',
    'slot->spans;\n			if (held <= SLOT_GONE)',
  ),
  'a mark ends the search for a port': change(
    'lookup.h',
    'outcome_of(&line->slots[j]);\n			if (!held)',
    'outcome_of(&line->slots[j]);\n			if (held <= SLOT_GONE)',
  ),
  'IPv6 prefixes end in the word before': change('addresses.h', 'span == 1 ? 1u << 31 : 0;', '0;'),
  'IPv6 prefixes are not marked': change(
    'addresses.h',
    '(address->words[word] & -span) | span >> 1',
    '(address->words[word] & -span)',
  ),
  'what follows an IPv6 prefix counts': change(
    'addresses.h',
    '		if (word < 3)\n			prefix.words[word + 1] = 0;\n',
    '',
  ),
  'only the first words of IPv6 addresses count': change(
    'addresses.h',
    'slot->prefix[3] == prefix->words[3] && slot',
    'slot',
  ),
  'the IPv6 prefix of length 0 is not asked': change(
    'addresses.h',
    'return entry ? entry->spans[0] : 0;',
    'return 0;',
  ),
  'the other copy is asked over IPv6': change(
    'addresses.h',
    'version * options.addresses6',
    '(version ^ 1) * options.addresses6',
  ),
  'the directory of the other copy is asked over IPv6': change(
    'addresses.h',
    'version * DIRECTORY6_COPY + (hash',
    '(version ^ 1) * DIRECTORY6_COPY + (hash',
  ),
  'subjects are taken for identities': change('addresses.h', 'if (!(value & VALUE_SUBJECT))', 'if (true)'),
  'addresses are hashed otherwise': change('hash.h', 'hash ^= hash >> 15;', 'hash ^= hash >> 14;'),
  'only half of a key is hashed': change('hash.h', ' + options.hash[2] * (key >> 32)', ''),
  'any set has the class': change(
    'lookup.h',
    '__u64 key = (__u64)set << 32 | identity;',
    '__u64 key = (__u64)(set | 1) << 32 | identity;',
  ),
  'no class for anyone': change('lookup.h', 'found = find_class(set, 0);', 'found = 0;'),
  'the shortest port prefix decides': change(
    'lookup.h',
    '__u32 span = spans & -spans;',
    '__u32 span = spans >= 256 ? 256 : spans & -spans;',
  ),
  'ports are not masked': change('lookup.h', '(port & ~(span - 1))', 'port'),
  'port prefixes of all lengths are the same': change('lookup.h', ' << 1 | span);', ' << 1);'),
  'protocols are mixed up': change('lookup.h', 'protocol << PORT_KEY_PROTOCOL', '17 << PORT_KEY_PROTOCOL'),
};

describe.skipIf(!isRoot || !hasClang)('[root] a fault in the lookups is noticed', () => {
  test.each(Object.entries(mutations))('%s', async (_, mutation) => {
    expect(await withObject([mutation], lookupFaults)).not.toEqual([]);
  });
});
