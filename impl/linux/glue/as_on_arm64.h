// SPDX-License-Identifier: MIT
// What drivers for arm64 find there and user-mode Linux has not.  Included before each kernel file of
// such a target.
#ifndef KH_AS_ON_ARM64_H
#define KH_AS_ON_ARM64_H

/* ---- the CPU: 48 bits of addresses, of both kinds, and 8 of ASIDs; no KPTI ---- */

#define vabits_actual 48
#define arm64_kernel_unmapped_at_el0() 0

/* ID_AA64MMFR0_EL1, of which only these two fields are looked at. */
#define SYS_ID_AA64MMFR0_EL1 0
#define ID_AA64MMFR0_EL1_PARANGE_SHIFT 0
#define ID_AA64MMFR0_EL1_ASIDBITS_SHIFT 4
#define read_sanitised_ftr_reg(name) ((name) | 5UL)
#define cpuid_feature_extract_unsigned_field(value, shift) ((value) >> (shift) & 0xf)
#define id_aa64mmfr0_parange_to_phys_shift(range) ((range) == 5 ? 48UL : 32UL)

/* MAIR_EL1: all memory is normal. */
#define read_sysreg(name) 0xffUL

/* ---- a process's ASID stays its own while it is pinned: functions of the target's ---- */

struct mm_struct;
unsigned long arm64_mm_context_get(struct mm_struct *mm);
void arm64_mm_context_put(struct mm_struct *mm);

/* ---- SRCU for several CPUs: a uniprocessor's counts its readers with plain increments ---- */

#undef CONFIG_TINY_SRCU
#define CONFIG_TREE_SRCU 1

#endif
