/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Telling user space: exact counters for every packet, events for those that somebody wants to see. */
#ifndef BULKHEAD_REPORT_H
#define BULKHEAD_REPORT_H

#include "options.h"
#include "packet.h"
#include "tables.h"

struct event_decision {
	__u32 rule;
	__u32 set;
};

struct event {
	/* CLOCK_MONOTONIC, nanoseconds. */
	__u64 time;
	__be32 source[4];
	__be32 destination[4];
	struct event_decision egress;
	struct event_decision ingress;
	__u16 source_port;
	__u16 port;
	__u8 egress_reason;
	__u8 ingress_reason;
	__u8 protocol;
	__u8 family;
	__u8 hook;
	__u8 allowed;
	__u8 zero[6];
};

/* Hooks run with softirqs off and the counters are per CPU, so plain additions are exact. */
static __always_inline void add(struct counter *counter, __u32 bytes)
{
	if (!counter)
		return;
	counter->packets += 1;
	counter->bytes += bytes;
}

static __always_inline void count_reason(enum reason reason, bool allowed, __u32 bytes)
{
	__u32 index = 2 * reason + allowed;

	add(bpf_map_lookup_elem(&reason_counters, &index), bytes);
}

/* Of this processor. */
static __always_inline void count_rule(struct counter *counters, __u32 rule, __u32 bytes)
{
	if (rule && rule < options.rules)
		add(counters + rule, bytes);
}

static __always_inline void count_verdict(const struct verdict *verdict, __u32 bytes)
{
	__u32 processor = bpf_get_smp_processor_id();
	struct counter *counters = bpf_map_lookup_elem(&rule_counters, &processor);

	if (counters) {
		count_rule(counters, verdict->egress.rule, bytes);
		count_rule(counters, verdict->ingress.rule, bytes);
	}
	count_reason(verdict_reason(verdict), verdict_allows(verdict), bytes);
}

static __always_inline void emit_event(enum hook hook, const struct packet *packet, const struct verdict *verdict)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		__u32 zero = 0;
		__u64 *lost = bpf_map_lookup_elem(&lost_events, &zero);

		if (lost)
			*lost += 1;
		return;
	}
	*event = (struct event){
		.time = bpf_ktime_get_ns(),
		.egress = { verdict->egress.rule, verdict->egress.set },
		.ingress = { verdict->ingress.rule, verdict->ingress.set },
		.source_port = packet->source_port,
		.port = packet->port,
		.egress_reason = verdict->egress.reason,
		.ingress_reason = verdict->ingress.reason,
		.protocol = packet->protocol,
		.family = packet->family,
		.hook = hook,
		.allowed = verdict_allows(verdict),
	};
	__builtin_memcpy(event->source, packet->source, sizeof(event->source));
	__builtin_memcpy(event->destination, packet->destination, sizeof(event->destination));
	/* The reader polls; waking it for each event would cost more than the verdict. */
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

#endif
