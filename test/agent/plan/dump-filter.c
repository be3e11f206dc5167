/* Writes the seccomp filter of a process to standard output: ptrace(2), PTRACE_SECCOMP_GET_FILTER. */
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum { GET_FILTER = 0x420c };

int main(int count, char **arguments) {
  static struct sock_filter filter[4096];
  if (count != 2) return 2;
  int pid = atoi(arguments[1]);
  if (ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0)) return perror("ptrace"), 1;
  waitpid(pid, 0, __WALL);
  long size = ptrace(GET_FILTER, pid, (void *)0, filter);
  if (size < 0) return perror("PTRACE_SECCOMP_GET_FILTER"), 1;
  return fwrite(filter, sizeof *filter, (size_t)size, stdout) == (size_t)size ? 0 : 1;
}
