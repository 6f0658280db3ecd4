// SPDX-License-Identifier: MIT
// What a system call meets of its process: its memory, and open files.  Included once, by a
// target's file.
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define MOST_THREADS 8
#define DESCRIPTORS 8

/* ---- memory: ours, all of it; some is mapped for reading only ---- */

unsigned long task_size = ~0UL;
static const void *readonly_user[4]; /* where structures begin that nobody can write */

unsigned long raw_copy_from_user(void *to, const void __user *from, unsigned long size)
{
	memcpy(to, (const void __force *)from, size);
	return 0;
}

unsigned long raw_copy_to_user(void __user *to, const void *from, unsigned long size)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(readonly_user); i++)
		if (readonly_user[i] && (void __force *)to == readonly_user[i])
			return size;
	memcpy((void __force *)to, from, size);
	return 0;
}

unsigned long __clear_user(void __user *at, unsigned long size)
{
	memset((void __force *)at, 0, size);
	return 0;
}

/* ---- files ---- */

/* The last reference goes in the middle of a system call, the file at its end. */
static struct file *closing[MOST_THREADS + 1][DESCRIPTORS];
static unsigned int closings[MOST_THREADS + 1];

static struct file *new_file(const struct file_operations *fops, void *data)
{
	struct file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return NULL;
	atomic_long_set(&file->f_count, 1);
	file->f_op = fops;
	file->private_data = data;
	return file;
}

static void release_file(struct file *file)
{
	if (file->f_op->release)
		file->f_op->release(NULL, file);
	kfree(file);
}

void fput(struct file *file)
{
	const int self = ck_self();

	if (!atomic_long_dec_and_test(&file->f_count))
		return;
	if (self > MOST_THREADS || closings[self] == DESCRIPTORS) {
		ck_report("unmodelled kernel symbol", "fput() of a kernel thread");
		return;
	}
	closing[self][closings[self]++] = file;
}

void __fput_sync(struct file *file)
{
	if (atomic_long_dec_and_test(&file->f_count))
		release_file(file);
}

/* At the end of each system call, with no lock held. */
static void return_to_user(void)
{
	const int self = ck_self();

	while (closings[self])
		release_file(closing[self][--closings[self]]);
}

/* ---- descriptors ---- */

static DEFINE_SPINLOCK(descriptors_lock);
static struct file *descriptors[DESCRIPTORS];
static bool reserved[DESCRIPTORS];

struct file *anon_inode_getfile(const char *name, const struct file_operations *fops, void *data,
				int flags)
{
	struct file *file = new_file(fops, data);

	return file ? file : ERR_PTR(-ENOMEM);
}

int get_unused_fd_flags(unsigned int flags)
{
	int fd = 0;

	if (kh_may_fail())
		return -EMFILE;
	spin_lock(&descriptors_lock);
	while (fd < DESCRIPTORS && reserved[fd])
		fd++;
	if (fd < DESCRIPTORS)
		reserved[fd] = true;
	else
		ck_report("scenario", "more descriptors than the target has");
	spin_unlock(&descriptors_lock);
	return fd;
}

void put_unused_fd(unsigned int fd)
{
	spin_lock(&descriptors_lock);
	reserved[fd] = false;
	spin_unlock(&descriptors_lock);
}

void fd_install(unsigned int fd, struct file *file)
{
	spin_lock(&descriptors_lock);
	descriptors[fd] = file;
	spin_unlock(&descriptors_lock);
}

/* The lowest that is open; each is of the same kind. */
static struct file *take_descriptor(void)
{
	struct file *file = NULL;
	unsigned int fd;

	spin_lock(&descriptors_lock);
	for (fd = 0; fd < DESCRIPTORS && !file; fd++) {
		if (!descriptors[fd])
			continue;
		swap(file, descriptors[fd]);
		reserved[fd] = false;
	}
	spin_unlock(&descriptors_lock);
	return file;
}

/* The same, with a reference for the time of a system call. */
static struct file *__maybe_unused use_descriptor(void)
{
	struct file *file = NULL;
	unsigned int fd;

	spin_lock(&descriptors_lock);
	for (fd = 0; fd < DESCRIPTORS && !file; fd++)
		file = descriptors[fd];
	if (file)
		get_file(file);
	spin_unlock(&descriptors_lock);
	return file;
}

static long close_descriptor(void)
{
	struct file *file = take_descriptor();

	if (!file)
		return KH_NOT_MADE;
	fput(file);
	return_to_user();
	return 0;
}
