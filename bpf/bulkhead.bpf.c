// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Bulkhead's kernel side: one netfilter program per hook and family. FORWARD judges pod ↔ anything, LOCAL_IN judges
 * pod → its node; both after DNAT and before SNAT, so Services need no knowledge here.
 */
#include "cache.h"
#include "judge.h"
#include "report.h"
#include "test-flows.h"
#include "tracking.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Nothing uses it: it puts the types that only inlined code knows into the object's BTF, where a test reads them. */
const struct {
	struct event event;
	struct root4 root4;
	struct node4 node4;
	struct port_list port_list;
	enum reason reason;
	enum hook hook;
	struct test_list test_list;
} described_types SEC("types") = {};

static __always_inline int pass(enum reason reason, __u32 bytes)
{
	count_reason(reason, true, bytes);
	return NF_ACCEPT;
}

/* Packets that need no look at the tables. REASON_NONE: this one does. */
static __always_inline enum reason exempt(enum hook hook, const struct nf_hook_state *state,
					  const struct packet *packet)
{
	if (hook == HOOK_LOCAL_IN)
		return is_host_discovery(packet) ? REASON_NEIGHBOUR_DISCOVERY : REASON_NONE;
	/* A pod that reaches itself by a Service goes back out where it came in; a forged source does not. */
	if (same_addresses(packet) && state->in->ifindex == state->out->ifindex)
		return REASON_SELF;
	return REASON_NONE;
}

static __always_inline int judge(struct bpf_nf_ctx *ctx, enum hook hook, __u8 family)
{
	struct sk_buff *skb = ctx->skb;
	const struct nf_hook_state *state = ctx->state;
	struct tracking tracking = tracking_of(skb);
	struct packet packet = {};
	struct verdict verdict = {};
	const volatile struct control *control_value;
	enum reason reason;
	__u32 zero = 0;
	bool reply = is_reply(tracking);
	bool cacheable;
	struct links links;
	bool allowed;

	/* What comes back to the node is what it asked for itself. */
	if (hook == HOOK_LOCAL_IN && reply)
		return pass(REASON_REPLY, skb->len);
	if (hook == HOOK_LOCAL_IN && state->in->ifindex == LOOPBACK_IFINDEX)
		return pass(REASON_NO_SUBJECT, skb->len);

	control_value = bpf_map_lookup_elem(&control, &zero);
	if (!control_value)
		return NF_DROP;
	if (!read_packet(skb, family, &packet)) {
		verdict.egress = decision(REASON_MALFORMED, false);
	} else {
		take_test_flow(&packet);
		if (ends_after(STAGE_READ))
			return NF_ACCEPT;
		reason = exempt(hook, state, &packet);
		if (reason != REASON_NONE)
			return pass(reason, packet.length);
		packet.related = is_related_error(tracking, &packet);
		packet.reports_on_others = is_icmp_error(&packet) && !quotes_sender(skb, &packet);
		if (reply)
			mirror(&packet);
		links = links_of(hook, state);
		cacheable = is_cacheable(&packet);
		if (!cacheable || !recall(hook, &packet, links, control_value->epoch, &verdict)) {
			if (ends_after(STAGE_RECALL))
				return NF_ACCEPT;
			verdict = judge_tables(hook, &packet, links, control_value);
			if (cacheable && verdict_allows(&verdict) && is_established(tracking))
				remember(hook, &packet, &verdict);
		}
	}
	if (ends_after(STAGE_ADDRESSES) || ends_after(STAGE_JUDGE))
		return NF_ACCEPT;

	allowed = verdict_allows(&verdict);
	if (reply && allowed)
		return pass(REASON_REPLY, packet.length);
	count_verdict(&verdict, packet.length);
	if (!allowed || ((control_value->flags & CONTROL_ALLOWED_EVENTS) &&
			 verdict_reason(&verdict) != REASON_NO_SUBJECT && opens_connection(tracking)))
		emit_event(hook, &packet, &verdict);
	return allowed ? NF_ACCEPT : NF_DROP;
}

SEC("netfilter")
int bulkhead_forward4(struct bpf_nf_ctx *ctx)
{
	return judge(ctx, HOOK_FORWARD, 4);
}

SEC("netfilter")
int bulkhead_forward6(struct bpf_nf_ctx *ctx)
{
	return judge(ctx, HOOK_FORWARD, 6);
}

SEC("netfilter")
int bulkhead_local_in4(struct bpf_nf_ctx *ctx)
{
	return judge(ctx, HOOK_LOCAL_IN, 4);
}

SEC("netfilter")
int bulkhead_local_in6(struct bpf_nf_ctx *ctx)
{
	return judge(ctx, HOOK_LOCAL_IN, 6);
}
