/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Verdicts that allowed packets of established flows, so that the packets after them need no look at the tables. A
 * verdict of the tables is a function of the epoch, the hook and what is compared below, so whose packet finds an
 * entry does not matter. A commit changes the epoch and makes every entry worthless with that one store. Denials are
 * not kept, nor is anything whose verdict depends on more than addresses, protocol and port.
 *
 * Source and destination are those of the flow, so both directions use one entry. Flows whose numbers fall together
 * take the entry from each other. It is one table for all processors: a hit writes nothing into it.
 */
#ifndef BULKHEAD_CACHE_H
#define BULKHEAD_CACHE_H

#include "options.h"
#include "packet.h"
#include "verdict.h"

/* One line of the processor's cache. */
struct cached_verdict {
	/* Odd: somebody is writing. */
	__u32 sequence;
	__u32 epoch;
	__be32 source[4];
	__be32 destination[4];
	__u16 port;
	__u8 protocol;
	__u8 family;
	__u8 hook;
	__u8 local_pods;
	__u8 egress_reason;
	__u8 ingress_reason;
	__u32 egress_rule;
	__u32 egress_set;
	__u32 ingress_rule;
	__u32 ingress_set;
};

/* Entries begin at the beginning of a page, and so each in a line of its own, only where they can be mapped. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cached_verdict);
} cached_verdicts SEC(".maps");

/*
 * A few bits of the flow that each entry has, so that a flow that was never seen need not touch entries to find that out. It
 * keeps nobody from an entry but by a race, after which the flow is judged and kept anew; what an entry is good for is said by the
 * entry alone.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u64));
} verdict_tags SEC(".maps");

/* Random odd numbers. */
static __always_inline __u64 weight(int i)
{
	switch (i) {
	case 0:
		return 0x9e3779b97f4a7c15;
	case 1:
		return 0xbf58476d1ce4e5b9;
	case 2:
		return 0x94d049bb133111eb;
	case 3:
		return 0xd6e8feb86659fd93;
	case 4:
		return 0xa0761d6478bd642f;
	case 5:
		return 0xe7037ed1a0b428db;
	case 6:
		return 0x8ebc6af09c88c6e3;
	case 7:
		return 0x589965cc75374cc3;
	default:
		return 0x1d8e4e27c47d124f;
	}
}

/* Every bit of a word reaches the upper half of the sum, from which places are taken. */
static __always_inline __u64 hash_of(const struct packet *packet)
{
	__u64 sum = ((__u64)packet->port << 8 | packet->protocol) * weight(8);

	for (int i = 0; i < (packet->family == 4 ? 1 : 4); i++)
		sum += packet->source[i] * weight(2 * i) + packet->destination[i] * weight(2 * i + 1);
	return sum;
}

/* The entries in which a flow may be, and their tags, which are one word. */
#define PLACES 4

static __always_inline __u32 first_place(__u64 hash)
{
	return (hash >> 32) & (options.cached_verdicts - 1) & ~(PLACES - 1);
}

/* Never 0, as tags are at first. */
static __always_inline __u16 tag_of(__u64 hash)
{
	return (hash * weight(1) >> 48 & (options.cached_verdicts - 1)) | 1;
}

/* Which of the four tags in a word is this one; PLACES: none. */
static __always_inline __u32 place_of(__u64 tags, __u16 tag)
{
	const __u64 ones = 0x0001000100010001;
	__u64 differences = tags ^ tag * ones;
	/* The lowest bit is that of the first lane that is zero; what borrows from a lane has been zero itself. */
	__u64 zeros = (differences - ones) & ~differences & ones << 15;

	if (!zeros)
		return PLACES;
	zeros &= -zeros;
	return (zeros >> 31 & 1) + 2 * (zeros >> 47 & 1) + 3 * (zeros >> 63);
}

static __always_inline volatile __u64 *tags_of(__u64 hash)
{
	__u32 zero = 0;
	__u64 *tags = bpf_map_lookup_elem(&verdict_tags, &zero);

	return tags ? tags + first_place(hash) / PLACES : NULL;
}

static __always_inline struct cached_verdict *entry_at(__u64 hash, __u32 place)
{
	__u32 index = (first_place(hash) + place) & (options.cached_verdicts - 1);

	return bpf_map_lookup_elem(&cached_verdicts, &index);
}

/* ICMP has types, and what can't be read has nothing to be told apart by. */
static __always_inline bool is_cacheable(const struct packet *packet)
{
	return options.cached_verdicts && has_ports(packet->protocol) && !packet->malformed;
}

static __always_inline bool same_words(const __be32 *a, const __be32 *b, __u8 family)
{
	return a[0] == b[0] && (family == 4 || (a[1] == b[1] && a[2] == b[2] && a[3] == b[3]));
}

static __always_inline bool recall_from(struct cached_verdict *content, enum hook hook, const struct packet *packet,
					__u8 pods, __u32 epoch, struct verdict *verdict)
{
	const volatile struct cached_verdict *entry = content;
	__u32 sequence;

	if (!entry)
		return false;
	sequence = entry->sequence;
	keep_order();
	if ((sequence & 1) || content->epoch != epoch || content->hook != hook || content->family != packet->family ||
	    content->protocol != packet->protocol || content->port != packet->port ||
	    !same_words(content->source, packet->source, packet->family) ||
	    !same_words(content->destination, packet->destination, packet->family) ||
	    (content->local_pods & pods) != pods)
		return false;
	verdict->egress = decision(content->egress_reason, true);
	verdict->egress.rule = content->egress_rule;
	verdict->egress.set = content->egress_set;
	verdict->ingress = decision(content->ingress_reason, true);
	verdict->ingress.rule = content->ingress_rule;
	verdict->ingress.set = content->ingress_set;
	keep_order();
	return entry->sequence == sequence;
}

/* False if no verdict is known that this epoch's tables would give; else it allows. */
static __always_inline bool recall(enum hook hook, const struct packet *packet, struct links links, __u32 epoch,
				   struct verdict *verdict)
{
	__u64 hash = hash_of(packet);
	const volatile __u64 *tags = tags_of(hash);
	__u32 place = tags ? place_of(*tags, tag_of(hash)) : PLACES;

	return place < PLACES &&
	       recall_from(entry_at(hash, place), hook, packet, required_pods(packet, links), epoch, verdict);
}

/*
 * The one that has this tag already, since nobody looks at a second one; else one whose content is of another epoch; else each
 * in turn, since every write changes the sum of the sequences by two: nobody can tell which of the flows that have them will come
 * again.
 */
static __always_inline __u32 place_for(__u64 hash, __u64 tags, __u32 epoch)
{
	__u32 place = place_of(tags, tag_of(hash));
	__u32 writes = 0;

	if (place < PLACES)
		return place;
	for (place = 0; place < PLACES; place++) {
		const struct cached_verdict *entry = entry_at(hash, place);

		if (!entry || entry->epoch != epoch)
			return place;
		writes += entry->sequence / 2;
	}
	return writes & (PLACES - 1);
}

/* Of a verdict that allows. Who finds another one writing leaves it at that. */
static __always_inline void remember(enum hook hook, const struct packet *packet, const struct verdict *verdict)
{
	__u64 hash = hash_of(packet);
	volatile __u64 *tags = tags_of(hash);
	struct cached_verdict *content;
	volatile struct cached_verdict *entry;
	__u32 place, sequence;

	if (!tags)
		return;
	place = place_for(hash, *tags, verdict->epoch);
	entry = content = entry_at(hash, place);
	if (!entry)
		return;
	sequence = entry->sequence;
	if ((sequence & 1) || !__sync_bool_compare_and_swap(&content->sequence, sequence, sequence + 1))
		return;
	keep_order();
	content->epoch = verdict->epoch;
	__builtin_memcpy(content->source, packet->source, sizeof(content->source));
	__builtin_memcpy(content->destination, packet->destination, sizeof(content->destination));
	content->port = packet->port;
	content->protocol = packet->protocol;
	content->family = packet->family;
	content->hook = hook;
	content->local_pods = verdict->local_pods;
	content->egress_reason = verdict->egress.reason;
	content->ingress_reason = verdict->ingress.reason;
	content->egress_rule = verdict->egress.rule;
	content->egress_set = verdict->egress.set;
	content->ingress_rule = verdict->ingress.rule;
	content->ingress_set = verdict->ingress.set;
	keep_order();
	entry->sequence = sequence + 2;
	((volatile __u16 *)tags)[place & (PLACES - 1)] = tag_of(hash);
}

#endif
