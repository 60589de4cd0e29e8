/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The few kernel types and functions that the programs touch. Offsets are relocated at load time (CO-RE) against the
 * running kernel's BTF, so only the fields that are used are declared, and no dump of a kernel's types is needed.
 */
#ifndef BULKHEAD_KERNEL_H
#define BULKHEAD_KERNEL_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#define NF_DROP 0
#define NF_ACCEPT 1

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sk_buff {
	/* From the network header on, in every netfilter hook of the IP layer. */
	unsigned int len;
	/* Pointer to the nf_conn, its low three bits the enum ip_conntrack_info. */
	unsigned long _nfct;
};

struct net_device {
	int ifindex;
	char name[16];
};

struct nf_hook_state {
	struct net_device *in;
	struct net_device *out;
};

struct nf_conn {
	unsigned long status;
};

#pragma clang attribute pop

/* Context of BPF_PROG_TYPE_NETFILTER; the verifier fixes these two offsets. */
struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
};

/* Read packets whatever their shape: a slice that lies in a page fragment is copied into the buffer. */
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *ptr, __u32 offset, void *buffer, __u32 buffer__szk) __ksym;

/*
 * Keeps loads in order, and stores. x86 does so by itself, so only the compiler has to be told; elsewhere a
 * value-returning atomic is a full barrier.
 */
static __always_inline void keep_order(void)
{
#ifdef __TARGET_ARCH_x86
	barrier();
#else
	__u64 scratch = 0;

	__sync_fetch_and_add(&scratch, 1);
#endif
}

#endif
