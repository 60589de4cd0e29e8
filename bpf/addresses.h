/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Who has an address: the longest prefix that holds it. Over IPv4 a tree is walked down; over IPv6 a directory says which
 * lengths there may be, so that most addresses need one look there and one at the table.
 */
#ifndef BULKHEAD_ADDRESSES_H
#define BULKHEAD_ADDRESSES_H

#include "hash.h"
#include "packet.h"
#include "tables.h"

/* The entry of the longest prefix that holds the address; 0 if there is none. */
static __always_inline __u32 lookup_address4(__u32 address, __u32 version)
{
	__u32 zero = 0;
	const struct root4 *root = bpf_map_lookup_elem(&roots4, &zero);
	const struct node4 *nodes = bpf_map_lookup_elem(&nodes4, &zero);
	__u32 entry;

	if (!root || !nodes)
		return IDENTITY_UNPROGRAMMED;
	version &= 1;
	root += version << 16 | address >> 16;
	nodes += version * options.nodes4;
	entry = root->below;
#pragma unroll
	for (int shift = 12; shift >= 0; shift -= 4) {
		__u32 index = entry & VALUE_MASK;

		if (!(entry & ENTRY4_NODE))
			break;
		/* Only while the tables are written, and then the verdict is thrown away. */
		if (index >= options.nodes4)
			return IDENTITY_UNPROGRAMMED;
		entry = nodes[index].entries[address >> shift & 15];
	}
	return entry ? entry : root->around;
}

static __always_inline bool is_free6(const struct slot6 *slot)
{
	return !(slot->value | slot->prefix[0] | slot->prefix[1] | slot->prefix[2] | slot->prefix[3]);
}

#define FOUND6 ((__u64)1 << 32)

/* FOUND6 and the value, 0 if there is none. Not static, so that the verifier looks at it once and not for each length. */
__noinline __u64 find6(const struct address6 *prefix, __u32 exact, __u32 version)
{
	__u32 home;

	if (!prefix)
		return 0;
	home = hash_address6(prefix->words);
	for (int i = 0; i < WINDOW6; i++) {
		__u32 index = version * options.addresses6 + ((home + i) & (options.addresses6 - 1));
		const struct line6 *line = bpf_map_lookup_elem(&addresses6, &index);

		if (!line)
			return 0;
#pragma unroll
		for (int j = 0; j < SLOTS6; j++) {
			const struct slot6 *slot = &line->slots[j];

			if (slot->prefix[3] == prefix->words[3] && slot->prefix[2] == prefix->words[2] &&
			    slot->prefix[1] == prefix->words[1] && slot->prefix[0] == prefix->words[0] &&
			    (slot->value & VALUE_KEY) == exact)
				return FOUND6 | slot->value;
			if (is_free6(slot))
				return 0;
		}
	}
	return 0;
}

/* Not static, so that the verifier looks at it once. */
__noinline __u32 lookup_address6(const struct address6 *address, __u32 version)
{
	const struct directory6_entry *entry;
	struct address6 prefix;
	__u64 found;
	__u32 index;

	if (!address)
		return 0;
	index = version * DIRECTORY6_COPY + (hash_word(address->words[0]) & (DIRECTORY6_ENTRIES - 1));
	entry = bpf_map_lookup_elem(&directory6, &index);
	if (!entry)
		return 0;
	prefix = *address;
#pragma unroll
	for (int word = 3; word >= 0; word--) {
		__u32 spans = entry->spans[word];

		for (int i = 0; i < 32 && spans; i++) {
			__u32 span = spans & -spans;

			prefix.words[word] = (address->words[word] & -span) | span >> 1;
			if (word < 3)
				prefix.words[word + 1] = span == 1 ? 1u << 31 : 0;
			found = find6(&prefix, word == 3 && span == 1 ? VALUE_EXACT : 0, version);
			if (found)
				return found;
			spans ^= span;
		}
		if (word < 3)
			prefix.words[word + 1] = 0;
	}
	index = version * DIRECTORY6_COPY + DIRECTORY6_REST;
	entry = bpf_map_lookup_elem(&directory6, &index);
	return entry ? entry->spans[0] : 0;
}

static __always_inline __u32 lookup_value(__u8 family, const __be32 *address, __u32 version)
{
	struct address6 words;

	if (family == 4)
		return lookup_address4(bpf_ntohl(address[0]), version);
	for (int i = 0; i < 4; i++)
		words.words[i] = bpf_ntohl(address[i]);
	return lookup_address6(&words, version);
}

/* Nobody that is known is identity 0. */
static __always_inline struct subject lookup_address(__u8 family, const __be32 *address, __u32 version)
{
	__u32 value = lookup_value(family, address, version);
	struct subject somebody = { .identity = value & VALUE_MASK, .role = ROLE_REMOTE };
	const struct subject *subject;

	if (!(value & VALUE_SUBJECT))
		return somebody;
	subject = bpf_map_lookup_elem(&subjects, &somebody.identity);
	return subject ? *subject : somebody;
}

#endif
