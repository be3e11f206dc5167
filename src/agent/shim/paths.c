/* Mount points: what is missing on the way is made. A link to nothing is made where it leads, as runc does. */
#include "shim.h"

enum { HERE = AT_FDCWD, PATH = 4096, LINKS = 40 };

static long kind(const char *path) {
  struct statx is;
  long result = sys(statx, HERE, path, 0, STATX_TYPE, &is);
  return result < 0 ? result : is.stx_mode & S_IFMT;
}

static long copy(char to[PATH], const char *path) {
  usize size = strlen(path);
  if (size == 0 || size >= PATH) return size ? -ENAMETOOLONG : -ENOENT;
  memcpy(to, path, size + 1);
  return 0;
}

/* Puts what a link says in its place; the first `end` bytes of the path are the link. */
static long follow(char path[PATH], usize end) {
  char link[PATH], kept = path[end];
  path[end] = 0;
  long size = sys(readlinkat, HERE, path, link, PATH - 1);
  path[end] = kept;
  if (size < 0) return size == -EINVAL ? -ENOENT : size;
  usize start = link[0] == '/' ? 0 : end, left = strlen(path + end);
  while (start && path[start - 1] != '/') start--;
  if (start + (usize)size + left >= PATH) return -ENAMETOOLONG;
  memmove(path + start + size, path + end, left + 1);
  memcpy(path + start, link, (usize)size);
  return 0;
}

/* mkdir -p; `last` becomes the end of the last part that was there already. */
static long make_all(char part[PATH], u32 mode, usize *last) {
  usize size = strlen(part);
  *last = size;
  long result = sys(mkdirat, HERE, part, mode); /* most often only the last part is missing */
  for (usize i = 1; result == -ENOENT && i <= size; i++) {
    if (part[i] != '/' && i != size) continue;
    char kept = part[i];
    part[i] = 0;
    long made = sys(mkdirat, HERE, part, mode);
    part[i] = kept;
    if (i == size) return made;
    if (made == -EEXIST) *last = i;
    else if (made < 0) return made;
  }
  return result;
}

long make_directories(const char *path, u32 mode) {
  char part[PATH];
  usize last;
  long result = copy(part, path);
  for (u32 links = 0; result == 0; links++) {
    result = make_all(part, mode, &last);
    if (result == -EEXIST) {
      long there = kind(part);
      last = strlen(part);
      result = there < 0 ? there : there == S_IFDIR ? 0 : -ENOTDIR;
    }
    if (result != -ENOENT || links == LINKS) return result;
    result = follow(part, last);
  }
  return result;
}

/* mknod, not open: whatever is there already is not opened, so a FIFO or a device cannot do harm. */
long make_file(const char *path, u32 mode) {
  char part[PATH];
  long result = copy(part, path);
  for (u32 links = 0; result == 0; links++) {
    result = sys(mknodat, HERE, part, S_IFREG | mode, 0);
    if (result != -EEXIST) return result;
    result = kind(part);
    if (result != -ENOENT || links == LINKS) return result < 0 ? result : 0;
    usize slash = 0;
    result = follow(part, strlen(part));
    for (usize i = 1; part[i]; i++)
      if (part[i] == '/') slash = i;
    if (result < 0 || !slash) continue;
    part[slash] = 0;
    result = make_directories(part, 0755);
    part[slash] = '/';
  }
  return result;
}
