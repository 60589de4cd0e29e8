/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Only for BPF_PROG_TEST_RUN, which repeats one packet: what costs little with one flow may cost much with a hundred
 * thousand. Each run takes the next flow of a list in place of what the packet says.
 */
#ifndef BULKHEAD_TEST_FLOWS_H
#define BULKHEAD_TEST_FLOWS_H

#include "options.h"
#include "packet.h"

/* Of IPv4, and as short as can be: the list is not what is measured, and takes room in the processor's caches all the same. */
struct test_flow {
	__be32 source;
	__be32 destination;
	__u16 source_port;
	__u16 port;
};

struct test_list {
	/* Which flow is next, and of how many. */
	__u32 next;
	__u32 count;
	/* options.test_flows of them. */
	struct test_flow flows[];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct test_list));
} test_flows SEC(".maps");

/* Where a packet's judgement may end, so that what comes before can be timed by itself. */
enum test_stage {
	STAGE_READ = 1,
	STAGE_RECALL,
	STAGE_ADDRESSES,
	STAGE_JUDGE,
};

static __always_inline bool ends_after(enum test_stage stage)
{
	return options.test_stage == stage;
}

static __always_inline void take_test_flow(struct packet *packet)
{
	const struct test_flow *flow;
	struct test_list *list;
	__u32 zero = 0;
	__u32 index;

	if (!options.test_flows)
		return;
	list = bpf_map_lookup_elem(&test_flows, &zero);
	if (!list)
		return;
	index = list->next;
	if (index >= options.test_flows)
		return;
	list->next = index + 1 < list->count ? index + 1 : 0;
	flow = &list->flows[index];
	packet->source[0] = flow->source;
	packet->destination[0] = flow->destination;
	packet->source_port = flow->source_port;
	packet->port = flow->port;
}

#endif
