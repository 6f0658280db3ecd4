// SPDX-License-Identifier: MIT
// What drivers for x86 find there and user-mode Linux has not.  Included before each kernel file of
// such a target.
#ifndef KH_AS_ON_X86_H
#define KH_AS_ON_X86_H

/* ---- the CPU: none of the features that are asked for; caches are coherent ---- */

#define __VIRTUAL_MASK_SHIFT 47
#define cpu_feature_enabled(feature) 0
#define clflush_cache_range(address, size) ((void)(address), (void)(size))

/* ---- registers of devices: functions of the target's ---- */

unsigned int kh_readl(const volatile void *reg);
unsigned long long kh_readq(const volatile void *reg);
void kh_writel(unsigned int value, volatile void *reg);
void kh_writeq(unsigned long long value, volatile void *reg);
#define readl(reg) kh_readl(reg)
#define readq(reg) kh_readq(reg)
#define writel(value, reg) kh_writel(value, reg)
#define writeq(value, reg) kh_writeq(value, reg)

/* ---- SRCU for several CPUs: a uniprocessor's counts its readers with plain increments ---- */

#undef CONFIG_TINY_SRCU
#define CONFIG_TREE_SRCU 1

#endif
