/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Only for BPF_PROG_TEST_RUN, which repeats one packet: what costs little with one flow may cost much with a hundred
 * thousand. Each run takes the next flow of a list in place of what the packet says.
 */
#ifndef BULKHEAD_TEST_FLOWS_H
#define BULKHEAD_TEST_FLOWS_H

#include "options.h"
#include "packet.h"

struct test_flow {
	__be32 source[4];
	__be32 destination[4];
	__u16 source_port;
	__u16 port;
	/* In the first flow: which one is next, and of how many. */
	__u32 next;
	__u32 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct test_flow);
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
	struct test_flow *flow;
	__u32 index = 0;

	if (!options.test_flows)
		return;
	flow = bpf_map_lookup_elem(&test_flows, &index);
	if (!flow)
		return;
	index = flow->next;
	flow->next = index + 1 < flow->count ? index + 1 : 0;
	flow = bpf_map_lookup_elem(&test_flows, &index);
	if (!flow)
		return;
	__builtin_memcpy(packet->source, flow->source, sizeof(packet->source));
	__builtin_memcpy(packet->destination, flow->destination, sizeof(packet->destination));
	packet->source_port = flow->source_port;
	packet->port = flow->port;
}

#endif
