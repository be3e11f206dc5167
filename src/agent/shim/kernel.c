/* Settings of the kernel, written where nobody can have put something else in their place. */
#include "shim.h"

#include <linux/magic.h>
#include <linux/openat2.h>

enum { PROC_ROOT_INODE = 1 };

/* The root of a procfs, whoever mounted it there: not a directory that looks like it, nor a part of it. */
static long open_proc(void) {
  long about[32]; /* struct statfs; its type comes first */
  struct statx is;
  long fd = sys(openat, AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (fd < 0) return fd;
  long result = sys(fstatfs, fd, about);
  if (result == 0) result = sys(statx, fd, "", AT_EMPTY_PATH, STATX_INO, &is);
  if (result == 0 && about[0] == PROC_SUPER_MAGIC && is.stx_ino == PROC_ROOT_INODE) return fd;
  sys(close, fd);
  return result < 0 ? result : -EXDEV;
}

/*
 * CVE-2025-52881: a write to /proc/sys was led elsewhere, by a mount or a link that another container put there meanwhile.
 * Nothing is mounted on the way to this file, and none of its names is a link.
 */
long write_sysctl(struct op_sysctl op) {
  struct open_how how = {.flags = O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  long proc = open_proc();
  if (proc < 0) return proc;
  long fd = sys(openat2, proc, op.path, &how, sizeof how);
  if (fd == -ENOSYS) fd = sys(openat, proc, op.path, how.flags, 0); /* before 5.6 */
  sys(close, proc);
  if (fd < 0) return fd;
  long wrote = sys(write, fd, op.data.data, op.data.size);
  sys(close, fd);
  return wrote < 0 ? wrote : (u32)wrote == op.data.size ? 0 : -EIO;
}
