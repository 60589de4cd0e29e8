/** How the programs look up addresses, classes and ports, gone wrong one at a time. */
import { inProgram } from './seeded-bug.ts';
import type { SeededBugs } from './seeded-bug.ts';

export const lookupBugs: SeededBugs = {
  'long prefixes are not asked': inProgram('addresses.h', 'entry = root->below;', 'entry = 0;'),
  'short prefixes are not asked': inProgram(
    'addresses.h',
    'return entry ? entry : root->around;',
    'return entry;',
  ),
  'the shortest prefix counts': inProgram(
    'addresses.h',
    'return entry ? entry : root->around;',
    'return root->around ? root->around : entry;',
  ),
  'not all levels are asked': inProgram('addresses.h', 'shift >= 0; shift -= 4', 'shift >= 4; shift -= 4'),
  'half of a node is read': inProgram('addresses.h', 'address >> shift & 15', 'address >> shift & 7'),
  'only the first 15 bits begin a walk': inProgram(
    'addresses.h',
    'version << 16 | address >> 16',
    'version << 16 | (address >> 16 & ~1)',
  ),
  'the walk begins in the other copy': inProgram(
    'addresses.h',
    'version << 16 | address >> 16',
    '(version ^ 1) << 16 | address >> 16',
  ),
  'the walk goes on in the other copy': inProgram(
    'addresses.h',
    'version * options.nodes4',
    '(version ^ 1) * options.nodes4',
  ),
  'an IPv6 address is looked for as a prefix': inProgram(
    'addresses.h',
    'word == 3 && span == 1 ? VALUE_EXACT : 0',
    '0',
  ),
  'what is shadowed counts': inProgram(
    'tables.h',
    '#define VALUE_KEY (VALUE_EXACT | VALUE_SHADOWED)',
    '#define VALUE_KEY VALUE_EXACT',
  ),
  'only the home line is read over IPv6': inProgram('tables.h', '#define WINDOW6 32', '#define WINDOW6 1'),
  'only the home line is read of classes and ports': inProgram(
    'tables.h',
    '#define WINDOW 24',
    '#define WINDOW 1',
  ),
  'a mark ends the search over IPv6': inProgram(
    'addresses.h',
    'return !(slot->value |',
    'return !((slot->value & ~SLOT_GONE) |',
  ),
  'a mark ends the search for a class': inProgram(
    'lookup.h',
    'class_found(slot);\n			if (!held)',
    'class_found(slot);\n			if (held <= SLOT_GONE)',
  ),
  'a mark ends the search for a port': inProgram(
    'lookup.h',
    'line->slots[j].allow);\n			if (!held)',
    'line->slots[j].allow);\n			if (held <= SLOT_GONE)',
  ),
  'IPv6 prefixes end in the word before': inProgram('addresses.h', 'span == 1 ? 1u << 31 : 0;', '0;'),
  'IPv6 prefixes are not marked': inProgram(
    'addresses.h',
    '(address->words[word] & -span) | span >> 1',
    '(address->words[word] & -span)',
  ),
  'what follows an IPv6 prefix counts': inProgram(
    'addresses.h',
    '		if (word < 3)\n			prefix.words[word + 1] = 0;\n',
    '',
  ),
  'only the first words of IPv6 addresses count': inProgram(
    'addresses.h',
    'slot->prefix[3] == prefix->words[3] && slot',
    'slot',
  ),
  'the IPv6 prefix of length 0 is not asked': inProgram(
    'addresses.h',
    'return entry ? entry->spans[0] : 0;',
    'return 0;',
  ),
  'the other copy is asked over IPv6': inProgram(
    'addresses.h',
    'version * options.addresses6',
    '(version ^ 1) * options.addresses6',
  ),
  'the directory of the other copy is asked over IPv6': inProgram(
    'addresses.h',
    'version * DIRECTORY6_COPY + (hash',
    '(version ^ 1) * DIRECTORY6_COPY + (hash',
  ),
  'subjects are taken for identities': inProgram('addresses.h', 'if (!(value & VALUE_SUBJECT))', 'if (true)'),
  'addresses are hashed otherwise': inProgram('hash.h', 'hash ^= hash >> 15;', 'hash ^= hash >> 14;'),
  'only half of a key is hashed': inProgram('hash.h', ' + options.hash[2] * (key >> 32)', ''),
  'any set has the class': inProgram(
    'lookup.h',
    '__u64 key = (__u64)set << 32 | identity;',
    '__u64 key = (__u64)(set | 1) << 32 | identity;',
  ),
  'no class for anyone': inProgram('lookup.h', 'found = class_of(set, 0);', 'found = 0;'),
  'only the first slot is asked for a class': inProgram(
    'lookup.h',
    'held ? find_class(key, home) : 0;',
    '0;',
  ),
  'the shortest port prefix decides': inProgram(
    'lookup.h',
    '__u32 span = spans & -spans;',
    '__u32 span = spans >= 256 ? 256 : spans & -spans;',
  ),
  'ports are not masked': inProgram('lookup.h', '(port & ~(span - 1))', 'port'),
  'port prefixes of all lengths are the same': inProgram('lookup.h', ' << 1 | span);', ' << 1);'),
  'protocols are mixed up': inProgram(
    'lookup.h',
    'find_port(class, protocol << PORT_KEY_PROTOCOL',
    'find_port(class, 17 << PORT_KEY_PROTOCOL',
  ),
  'any protocol is not asked': inProgram('lookup.h', 'all_spans & SPAN_ANY ?', 'false ?'),
  'the shortest prefix of a list decides': inProgram(
    'lookup.h',
    'for (int i = 0; i < PORTS_OF_LIST; i++)',
    'for (int i = PORTS_OF_LIST - 1; i >= 0; i--)',
  ),
  'only the first ports of a list are read': inProgram(
    'lookup.h',
    'i < PORTS_OF_LIST; i++',
    'i < PORTS_OF_LIST / 4; i++',
  ),
  'protocols of a list are mixed up': inProgram(
    'lookup.h',
    '? protocol << PORT_KEY_PROTOCOL |',
    '? 17 << PORT_KEY_PROTOCOL |',
  ),
  'ports of a list are not compared whole': inProgram(
    'lookup.h',
    '(prefix ^ -prefix)',
    '(prefix ^ -prefix) & ~0x1000',
  ),
  'every class has the first list': inProgram('lookup.h', '	list += index;\n', ''),
  'a list is taken for a class': inProgram('lookup.h', 'else if (spans & SPAN_LIST)', 'else if (false)'),
  'an only entry is taken for a class': inProgram('lookup.h', 'if (spans & SPAN_ONE)', 'if (false)'),
  'an only entry is taken for a list': inProgram(
    'lookup.h',
    'if (spans & SPAN_ONE)',
    'if ((spans & SPAN_ONE) && !(spans & SPAN_LIST))',
  ),
  'an only entry is for every port': inProgram(
    'lookup.h',
    'is_within(wanted_port(protocol, port), spans ^ SPAN_ONE)',
    'true',
  ),
  'an only entry is for no port': inProgram('lookup.h', 'spans ^ SPAN_ONE)', 'spans)'),
  'what an only entry says is ignored': inProgram(
    'lookup.h',
    'outcome_listed(found >> 32)',
    'outcome_listed((found >> 32) | 1)',
  ),
};
