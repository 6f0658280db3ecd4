// SPDX-License-Identifier: MIT
// What the two halves of the runner say to each other: the half that includes kernel headers
// (target_ioasid.c) and the half that includes the C library's (all other files here).
//
// Only plain C types may appear: the two sets of headers do not agree on anything else.
#ifndef KH_HARNESS_H
#define KH_HARNESS_H

#define KH_MAX_NUMBER 64 /* sets, data: numbers 1 .. KH_MAX_NUMBER */
#define KH_MAX_OPS 8

/* ---- given by the half with kernel headers ---- */

/* Facts that only kernel headers know. */
struct kh_facts {
	unsigned long spinlock_size;
	unsigned long lockdep_map[3]; /* where it is in a spin lock, a mutex, a rw_semaphore */
	unsigned int gfp_zero;   /* __GFP_ZERO */
	unsigned int gfp_sleeps; /* __GFP_DIRECT_RECLAIM: the allocation may sleep */
	unsigned long poison1;   /* LIST_POISON1: what list_del() leaves in ->next */
	unsigned long poison2;   /* LIST_POISON2: ... in ->prev */
};
extern const struct kh_facts kh_facts;

/* What ioasid_find() gave: an errno, or the number of the data (-1: a pointer nobody gave). */
struct kh_found {
	int error;
	int data;
};

void kh_boot(void);
unsigned int kh_alloc(unsigned int set, unsigned int min, unsigned int max, unsigned int data);
void kh_free(unsigned int id);
struct kh_found kh_find(unsigned int set, unsigned int id, int with_getter);
int kh_set_data(unsigned int id, unsigned int data);
void kh_reuse_data(unsigned int data);
int kh_register(unsigned int ops);
void kh_unregister(unsigned int ops);
void *kh_ops_object(unsigned int ops, unsigned long *size);
unsigned int kh_invalid_id(void);

/* ---- given by the half with the C library ---- */

/* The CPU of the running thread, and how many there are: threads of a scenario have one each. */
unsigned int kh_cpu(void);
unsigned int kh_cpus(void);

/* Whether a driver's operation fails: both are tried where failing allocations are. */
int kh_may_fail(void);

/* The callbacks of a custom allocator: `ops` is the one whose pdata they got (-1: no one's). */
unsigned int kh_callback_alloc(unsigned int group, int ops);
void kh_callback_free(unsigned int group, int ops);
/* The getter of ioasid_find(): `data` is the number of what it was shown (-1: no one's data). */
int kh_callback_getter(int data);

#endif
