// SPDX-License-Identifier: MIT
// The target iommufd-ioas: memory of a process that is mapped into IOASes, copied from one to another
// and unmapped, while devices come and go and a driver pins it.
//
// The process has two pages.  Who pins a page has it until it unpins it: a page that nobody pins may
// go to somebody else, and no page table may lead there then.
#define MOCK_PAGES 2
#include "iommufd_world.h"

#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/sched/task.h>
#include <linux/sched/user.h>

#define USER_BASE 0x100000UL /* where the process has its pages */
#define IOVA_BASE 0x10000UL  /* where IOASes have them */

/* ---- the process ---- */

struct task_struct kh_process;
static struct mm_struct memory;
static struct cred credentials;
static struct user_struct owner;

void __mmdrop(struct mm_struct *mm)
{
	ck_report("process", "its mm is freed while it runs");
}

void mmput(struct mm_struct *mm)
{
	ck_report("process", "nobody took a reference on its users");
}

void __put_task_struct(struct task_struct *task)
{
	ck_report("process", "its task is freed while it runs");
}

void free_uid(struct user_struct *user)
{
	if (refcount_dec_and_test(&user->__count))
		ck_report("process", "its owner is freed while it runs");
}

/* ---- its pages ---- */

static struct page pages[MOCK_PAGES];
struct page *mem_map = pages;
static atomic_t pins[MOCK_PAGES];
static atomic_t leads[MOCK_PAGES]; /* page tables that lead there */

int pin_user_pages_fast(unsigned long start, int count, unsigned int flags, struct page **pinned)
{
	const unsigned long first = (start - USER_BASE) / PAGE_SIZE;
	int i;

	if (kh_may_fail())
		return -EFAULT;
	for (i = 0; i < count; i++) {
		atomic_inc(&pins[first + (unsigned long)i]);
		pinned[i] = &pages[first + (unsigned long)i];
	}
	return count;
}

long pin_user_pages_remote(struct mm_struct *mm, unsigned long start, unsigned long count,
			   unsigned int flags, struct page **pinned, int *locked)
{
	ck_report("process", "its memory is pinned as another one's");
	return -EFAULT;
}

static void unpin(struct page *page)
{
	const long number = page - pages;
	const int left = atomic_dec_return(&pins[number]);

	if (left < 0)
		ck_report("page unpinned twice", "nobody has pinned it");
	if (left == 0 && atomic_read(&leads[number]) != 0)
		ck_report("page given up under a device", "a page table leads there");
}

void unpin_user_pages(struct page **pinned, unsigned long count)
{
	while (count--)
		unpin(pinned[count]);
}

void unpin_user_page_range_dirty_lock(struct page *first, unsigned long count, bool dirty)
{
	while (count--)
		unpin(first + count);
}

/* ---- page tables ---- */

static int mock_map(struct iommu_domain *domain, unsigned long iova, phys_addr_t address,
		    size_t size, size_t count, int prot, gfp_t gfp, size_t *mapped)
{
	struct mock_domain *const mock = container_of(domain, struct mock_domain, domain);
	const unsigned long first = (iova - IOVA_BASE) / PAGE_SIZE;
	size_t i;

	if (kh_may_fail())
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		const unsigned long page = address / PAGE_SIZE + i;

		if (mock->leads_to[first + i])
			ck_report("mapped twice", "the page table leads somewhere else already");
		if (atomic_read(&pins[page]) == 0)
			ck_report("mapped without a pin", "the page may be somebody else's");
		atomic_inc(&leads[page]);
		mock->leads_to[first + i] = 1 + page;
		*mapped += size;
	}
	return 0;
}

static size_t mock_unmap(struct iommu_domain *domain, unsigned long iova, size_t size, size_t count,
			 struct iommu_iotlb_gather *gather)
{
	struct mock_domain *const mock = container_of(domain, struct mock_domain, domain);
	const unsigned long first = (iova - IOVA_BASE) / PAGE_SIZE;
	size_t i;

	for (i = 0; i < count && mock->leads_to[first + i]; i++) {
		atomic_dec(&leads[mock->leads_to[first + i] - 1]);
		mock->leads_to[first + i] = 0;
	}
	return i * size;
}

static phys_addr_t mock_address(struct iommu_domain *domain, dma_addr_t iova)
{
	struct mock_domain *const mock = container_of(domain, struct mock_domain, domain);
	const unsigned long page = mock->leads_to[(iova - IOVA_BASE) / PAGE_SIZE];

	return page ? (page - 1) * PAGE_SIZE : 0;
}

static void mock_forget(struct mock_domain *mock)
{
	unsigned int i;

	for (i = 0; i < MOCK_PAGES; i++)
		if (mock->leads_to[i])
			ck_report("page table freed with pages", "nobody has unmapped them");
}

/* Nobody makes page requests. */
static void drain(struct device *dev)
{
}
static int mock_feature(struct device *dev, enum iommu_dev_features feature, bool on)
{
	return -ENODEV;
}
static void mock_response(struct device *dev, struct iopf_fault *event,
			  struct iommu_page_response *response)
{
}

/* ---- calls of the process ---- */

/* One page or both, from the first on. */
static long map_to(unsigned int thread, enum slot slot, unsigned long count)
{
	struct iommu_ioas_map argument = {
		.size = sizeof(argument),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = READ_ONCE(ids[slot]),
		.user_va = USER_BASE,
		.length = count * PAGE_SIZE,
		.iova = IOVA_BASE,
	};

	return argument.ioas_id ? ioctl(thread, IOMMU_IOAS_MAP, &argument) : KH_NOT_MADE;
}

/* How many pages it was. */
static long unmap_from(unsigned int thread, enum slot slot, unsigned long count)
{
	struct iommu_ioas_unmap argument = {
		.size = sizeof(argument),
		.ioas_id = READ_ONCE(ids[slot]),
		.iova = IOVA_BASE,
		.length = count * PAGE_SIZE,
	};
	const long result =
		argument.ioas_id ? ioctl(thread, IOMMU_IOAS_UNMAP, &argument) : KH_NOT_MADE;

	return result ? result : (long)(argument.length / PAGE_SIZE);
}

/* What IOAS 0 has, for IOAS 1. */
static long copy(unsigned int thread)
{
	struct iommu_ioas_copy argument = {
		.size = sizeof(argument),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.dst_ioas_id = READ_ONCE(ids[IOAS1]),
		.src_ioas_id = READ_ONCE(ids[IOAS0]),
		.length = MOCK_PAGES * PAGE_SIZE,
		.dst_iova = IOVA_BASE,
		.src_iova = IOVA_BASE,
	};

	return argument.dst_ioas_id && argument.src_ioas_id
		       ? ioctl(thread, IOMMU_IOAS_COPY, &argument)
		       : KH_NOT_MADE;
}

static long alloc0(unsigned int thread) { return alloc_ioas(thread, IOAS0); }
static long alloc1(unsigned int thread) { return alloc_ioas(thread, IOAS1); }
static long destroy0(unsigned int thread) { return destroy(thread, IOAS0); }
static long map0(unsigned int thread) { return map_to(thread, IOAS0, MOCK_PAGES); }
static long map_one0(unsigned int thread) { return map_to(thread, IOAS0, 1); }
static long unmap0(unsigned int thread) { return unmap_from(thread, IOAS0, MOCK_PAGES); }
static long unmap1(unsigned int thread) { return unmap_from(thread, IOAS1, MOCK_PAGES); }
static long bind0(unsigned int thread) { return bind(thread, 0); }
static long bind1(unsigned int thread) { return bind(thread, 1); }
static long attach00(unsigned int thread) { return attach(0, IOAS0, false); }
static long attach10(unsigned int thread) { return attach(1, IOAS0, false); }
static long attach11(unsigned int thread) { return attach(1, IOAS1, false); }
static long replace01(unsigned int thread) { return attach(0, IOAS1, true); }
static long detach0(unsigned int thread) { return detach(0); }
static long detach1(unsigned int thread) { return detach(1); }

/* ---- a driver that reaches the pages itself ---- */

static DEFINE_MUTEX(access_lock);		   /* of its file */
static struct iommufd_access *accessor;		   /* under access_lock */
static DEFINE_MUTEX(pin_lock);			   /* inside of it */
static bool pinned;				   /* under pin_lock */

/* Who unmaps waits for this. */
static void give_up(void *data, unsigned long iova, unsigned long length)
{
	mutex_lock(&pin_lock);
	if (pinned)
		iommufd_access_unpin_pages(data, IOVA_BASE, MOCK_PAGES * PAGE_SIZE);
	pinned = false;
	mutex_unlock(&pin_lock);
}

static void give_up_by_driver(void *data, unsigned long iova, unsigned long length)
{
	give_up(READ_ONCE(accessor), iova, length);
}

static const struct iommufd_access_ops access_ops = {
	.needs_pin_pages = 1,
	.unmap = give_up_by_driver,
};

static long reach(unsigned int thread)
{
	struct iommufd_ctx *context = iommufd_ctx_from_file(iommufd);
	struct iommufd_access *made;
	long result;
	u32 id;

	made = iommufd_access_create(context, &access_ops, NULL, &id);
	iommufd_ctx_put(context); /* it has a reference of its own */
	result = PTR_ERR_OR_ZERO(made);
	if (!IS_ERR(made)) {
		WRITE_ONCE(accessor, made);
		result = iommufd_access_attach(made, READ_ONCE(ids[IOAS0]));
	}
	return_to_user();
	return result;
}

static long pin(unsigned int thread)
{
	struct page *got[MOCK_PAGES];
	long result = KH_NOT_MADE;

	mutex_lock(&access_lock);
	mutex_lock(&pin_lock);
	if (accessor && !pinned) {
		result = iommufd_access_pin_pages(accessor, IOVA_BASE, MOCK_PAGES * PAGE_SIZE, got,
						  IOMMUFD_ACCESS_RW_WRITE);
		pinned = !result;
	}
	mutex_unlock(&pin_lock);
	mutex_unlock(&access_lock);
	return_to_user();
	return result;
}

static long release(unsigned int thread)
{
	long result = KH_NOT_MADE;

	mutex_lock(&access_lock);
	if (accessor) {
		give_up(accessor, 0, 0);
		iommufd_access_destroy(accessor);
		WRITE_ONCE(accessor, NULL);
		result = 0;
	}
	mutex_unlock(&access_lock);
	return_to_user();
	return result;
}

const struct kh_call kh_calls[] = {
	{ "alloc0", alloc0 },
	{ "alloc1", alloc1 },
	{ "destroy0", destroy0 },
	{ "map0", map0 },
	{ "map_one0", map_one0 },
	{ "unmap0", unmap0 },
	{ "unmap1", unmap1 },
	{ "copy", copy },
	{ "bind0", bind0 },
	{ "bind1", bind1 },
	{ "attach00", attach00 },
	{ "attach10", attach10 },
	{ "attach11", attach11 },
	{ "replace01", replace01 },
	{ "detach0", detach0 },
	{ "detach1", detach1 },
	{ "reach", reach },
	{ "pin", pin },
	{ "release", release },
	{ "close", close_iommufd },
	{ NULL, NULL },
};

void kh_target_boot(void)
{
	atomic_set(&memory.mm_count, 1);
	refcount_set(&owner.__count, 1);
	credentials.user = &owner;
	kh_process.mm = &memory;
	kh_process.group_leader = &kh_process;
	refcount_set(&kh_process.usage, 1);
	RCU_INIT_POINTER(kh_process.cred, &credentials);
	world_boot();
}

void kh_target_finish(void)
{
	unsigned int i;

	release(0);
	world_finish();
	for (i = 0; i < MOCK_PAGES; i++)
		if (atomic_read(&pins[i]) != 0)
			ck_report("page pinned at the end", "nobody has given it up");
}
