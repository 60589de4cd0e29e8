/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the loader fixes before loading. Read-only data is known to the verifier, so what an option leaves unused is
 * not part of the loaded program and costs no packet anything.
 */
#ifndef BULKHEAD_OPTIONS_H
#define BULKHEAD_OPTIONS_H

#include "kernel.h"

struct options {
	/*
	 * The first eight bytes of the names that pods' interfaces begin with, and the mask of those that count; mask 0:
	 * unknown. What comes in there must be from a local pod's address: its sender has nothing else to say.
	 */
	__u64 pod_interface_name;
	__u64 pod_interface_mask;
	/*
	 * Only for BPF_PROG_TEST_RUN, whose packets have no conntrack entry: TEST_TRACKING plus an enum ip_conntrack_info,
	 * in place of skb->_nfct. 0 in production.
	 */
	__u64 test_tracking;
	/* Entries of cached_verdicts: a power of two; 0: every packet is judged by the tables. */
	__u64 cached_verdicts;
	/* Only for BPF_PROG_TEST_RUN: there are flows in test_flows. 0 in production. */
	__u64 test_flows;
	/* Random, see hash.h. */
	__u64 hash[5];
	/* Nodes of one copy. */
	__u32 nodes4;
	/* Lines of the tables, of one copy where there are two: powers of two. */
	__u32 addresses6;
	__u32 classes;
	__u32 ports;
	__u32 port_lists;
	/* Rules below this are counted. */
	__u32 rules;
	/* Only for BPF_PROG_TEST_RUN: an enum test_stage after which a packet passes. 0 in production. */
	__u32 test_stage;
	__u32 zero;
};

#define TEST_TRACKING 8ul

const volatile struct options options = {};

#endif
