/* SPDX-License-Identifier: MIT
 * Included before each kernel file: user-mode Linux is a uniprocessor, whose memory barriers are
 * compiler barriers; these tell the engine.
 */
extern void ck_fence(int order);
extern void ck_release_next(void);

#define smp_rmb() ck_fence(1)
#define smp_wmb() ck_fence(2)
#define smp_mb() ck_fence(3)
#define smp_mb__before_atomic() ck_fence(3)
#define smp_mb__after_atomic() ck_fence(3)
#define smp_store_release(p, v) \
  do {                          \
    ck_release_next();          \
    WRITE_ONCE(*(p), (v));      \
  } while (0)
