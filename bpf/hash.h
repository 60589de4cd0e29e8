/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Where a key belongs in a table. Keys are addresses, prefixes and ids that tenants have a say in, so the numbers are
 * random with each load: who doesn't know them can't choose keys that meet. The upper half of a sum of words times
 * random 64-bit numbers makes any two keys meet no more often than chance would; what follows is one-to-one and scatters keys in
 * a row. src/datapath/ebpf/hash.ts computes the same.
 */
#ifndef BULKHEAD_HASH_H
#define BULKHEAD_HASH_H

#include "options.h"

static __always_inline __u32 scatter(__u64 sum)
{
	__u32 hash = sum >> 32;

	hash ^= hash >> 16;
	hash *= 0x7feb352d;
	hash ^= hash >> 15;
	hash *= 0x846ca68b;
	return hash ^ hash >> 16;
}

static __always_inline __u32 hash_word(__u32 word)
{
	return scatter(options.hash[0] + options.hash[1] * word);
}

static __always_inline __u32 hash_key(__u64 key)
{
	return scatter(options.hash[0] + options.hash[1] * (__u32)key + options.hash[2] * (key >> 32));
}

static __always_inline __u32 hash_address6(const __u32 *words)
{
	return scatter(options.hash[0] + options.hash[1] * words[0] + options.hash[2] * words[1] +
		       options.hash[3] * words[2] + options.hash[4] * words[3]);
}

#endif
