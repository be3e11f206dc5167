/*
 * Catches processes that are executed from a file which this container does not have, and tries to write to that file, also
 * when nobody executes it any more (before, the kernel says ETXTBSY). Says `caught N`, `caught N, a file of the host` and `wrote`.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CAUGHT = 16 };

static int is_own(const struct stat *is) {
  struct stat ours;
  if (stat("/bin/busybox", &ours) == 0 && ours.st_dev == is->st_dev && ours.st_ino == is->st_ino) return 1;
  return stat("/proc/self/exe", &ours) == 0 && ours.st_dev == is->st_dev && ours.st_ino == is->st_ino;
}

static int try_to_write(int fd) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int write_to = open(path, O_WRONLY | O_CLOEXEC);
  if (write_to < 0) return errno == ETXTBSY ? 0 : -1;
  int done = pwrite(write_to, "#!", 2, 0) == 2 || ftruncate(write_to, 1) == 0;
  close(write_to);
  return done ? 1 : -1;
}

int main(void) {
  int held[CAUGHT], count = 0;
  char done[CAUGHT] = {0};
  setvbuf(stdout, 0, _IOLBF, 0);
  for (;;) {
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    while (processes && (entry = readdir(processes))) {
      char path[300];
      struct stat is;
      if (entry->d_name[0] < '2' || entry->d_name[0] > '9') {
        if (entry->d_name[0] != '1' || !entry->d_name[1]) continue;
      }
      snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
      int fd = count < CAUGHT ? open(path, O_RDONLY | O_CLOEXEC) : -1;
      if (fd < 0) continue;
      if (fstat(fd, &is) < 0 || is_own(&is)) {
        close(fd);
        continue;
      }
      held[count++] = fd;
      /* Only a file in memory has seals. A file of the host could be written once no shim runs from it. */
      printf("caught %d%s\n", count, fcntl(fd, F_GET_SEALS) < 0 ? ", a file of the host" : "");
    }
    if (processes) closedir(processes);
    for (int i = 0; i < count; i++) {
      int result = done[i] ? 0 : try_to_write(held[i]);
      if (result > 0) printf("wrote\n");
      if (result) done[i] = 1;
    }
  }
}
