/* Removes a tree without following a link, without leaving its mount, and with a bounded number of descriptors. */
#include "shim.h"

#include <linux/openat2.h>

enum { DEPTH = 32, NAME = 256, DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static struct level {
  int fd;
  char name[NAME];
} levels[DEPTH];
static u8 entries[8192];
static u32 moved;

struct __attribute__((packed)) entry {
  u64 inode, offset;
  u16 size;
  u8 type;
  char name[];
};

/* RESOLVE_NO_XDEV: what is mounted below is somebody else's (EXDEV). */
static long open_below(int fd, const char *name) {
  struct open_how how = {.flags = DIRECTORY, .resolve = RESOLVE_NO_XDEV};
  long opened = sys(openat2, fd, name, &how, sizeof how);
  return opened == -ENOSYS ? sys(openat, fd, name, DIRECTORY, 0) : opened; /* before 5.6 */
}

/* Too deep: the directory moves up to the top, where a later turn meets it. Depth costs no memory then. */
static long move_up(int from, const char *name) {
  char unique[32];
  long result;
  do {
    proc_path(unique, ".porthole-rm-", moved++, "");
    result = sys(renameat2, from, name, levels[0].fd, unique, 1 /* RENAME_NOREPLACE */);
  } while (result == -EEXIST);
  return result;
}

/* Empties levels[depth] as far as it can without descending; 1: a directory in the way is now levels[depth + 1]. */
static long empty(u32 depth) {
  int fd = levels[depth].fd;
  long got, result;
  sys(lseek, fd, 0, 0);
  while ((got = sys(getdents64, fd, entries, sizeof entries)) > 0) {
    const struct entry *entry;
    for (long at = 0; at < got; at += entry->size) {
      entry = (const struct entry *)(entries + at);
      const char *name = entry->name;
      if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]))) continue;
      result = sys(unlinkat, fd, name, entry->type == 4 /* DT_DIR */ ? AT_REMOVEDIR : 0);
      if (result == -EISDIR) result = sys(unlinkat, fd, name, AT_REMOVEDIR); /* the type was unknown */
      if (result == 0 || result == -ENOENT) continue;
      if (result != -ENOTEMPTY && result != -EEXIST) return result;
      if (depth + 1 == DEPTH) {
        if ((result = move_up(fd, name)) < 0) return result;
        continue;
      }
      if ((result = open_below(fd, name)) < 0) return result;
      levels[depth + 1].fd = (int)result;
      memcpy(levels[depth + 1].name, name, strlen(name) + 1);
      return 1;
    }
  }
  return got;
}

long remove_tree(const char *path) {
  long result = sys(unlinkat, AT_FDCWD, path, 0);
  if (result != -EISDIR && result != -EPERM) return result;
  result = sys(openat, AT_FDCWD, path, DIRECTORY, 0);
  if (result < 0) return result;
  levels[0].fd = (int)result;
  for (u32 depth = 0, tries = 0;;) {
    result = empty(depth);
    if (result > 0) {
      depth++;
      continue;
    }
    if (result == 0 && depth)
      result = sys(unlinkat, levels[depth - 1].fd, levels[depth].name, AT_REMOVEDIR);
    if (result == 0 && !depth) result = sys(unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
    /* A file system may skip entries while others go: look again, but not for ever. */
    if (result == -ENOTEMPTY && tries++ < 1000) continue;
    if (result < 0) break;
    sys(close, levels[depth].fd);
    if (!depth) return 0;
    depth--;
    continue;
  }
  for (u32 depth = 0; depth < DEPTH; depth++)
    if (levels[depth].fd > 0) sys(close, levels[depth].fd), levels[depth].fd = 0;
  return result;
}
