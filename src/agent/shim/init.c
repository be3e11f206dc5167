/*
 * The same program as the first process of a container that asked for an init (`docker run --init`): it runs the
 * container's own program, passes signals on to it, reaps what is orphaned, and ends as it ends. Known by its name.
 */
#include "shim.h"

#include <asm-generic/ioctls.h>
#include <linux/prctl.h>

enum { BLOCK = 2 /* SIG_SETMASK */, STOP_OUTPUT = 22, STOP_INPUT = 21, IGNORE = 1 };

static void say(const char *text) {
  write_all(2, text, strlen(text));
}

/* A fault of ours, and what cannot be blocked, is not for the program. */
static u64 passed_on(void) {
  static const u8 own[] = {4 /* ILL */, 5 /* TRAP */, 6 /* ABRT */, 7 /* BUS */, 8 /* FPE */, 11 /* SEGV */, 31 /* SYS */};
  u64 mask = ~0ull;
  for (u32 i = 0; i < sizeof own; i++) mask &= ~(1ull << (own[i] - 1));
  return mask;
}

static void handle(int number, u64 handler) {
  const u64 action[4] = {handler, 0, 0, 0};
  sys(rt_sigaction, number, action, 0, 8);
}

/* In a process group of its own, which is the terminal's foreground where there is a terminal. */
static _Noreturn void be_program(char **argv, char **environment) {
  static const u64 none = 0;
  const char *search = "/bin:/usr/bin";
  int group;
  sys(setpgid, 0, 0);
  group = (int)sys(getpid);
  sys(ioctl, 0, TIOCSPGRP, &group); /* ENOTTY without a terminal */
  handle(STOP_INPUT, 0);
  handle(STOP_OUTPUT, 0);
  sys(rt_sigprocmask, BLOCK, &none, 0, 8);
  for (char **one = environment; *one; one++)
    if ((*one)[0] == 'P' && (*one)[1] == 'A' && (*one)[2] == 'T' && (*one)[3] == 'H' && (*one)[4] == '=') search = *one + 5;
  long result = execute_file(argv[0], search, argv, environment);
  say("init: cannot execute ");
  say(argv[0]);
  say(result == -ENOENT ? ": no such file\n" : result == -EACCES ? ": permission denied\n" : "\n");
  leave(result == -ENOENT ? 127 : result == -EACCES ? 126 : 1);
}

/* Reaps everything that has ended. Returns the program's exit code once it is among it, else -1. */
static int reap(long program) {
  int status, code = -1;
  long pid;
  while ((pid = sys(wait4, -1, &status, NO_HANG, 0)) > 0)
    if (pid == program) code = status & 0x7f ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
  return code;
}

u32 is_init(const char *name) {
  static const char own[] = "docker-init";
  usize size = strlen(name), wanted = sizeof own - 1;
  if (size < wanted) return 0;
  for (usize i = 0; i < wanted; i++)
    if (name[size - wanted + i] != own[i]) return 0;
  return 1;
}

_Noreturn void init_main(char **argv, char **environment) {
  const u64 mask = passed_on();
  if (!*++argv) leave(1);
  if ((*argv)[0] == '-' && (*argv)[1] == '-' && !(*argv)[2]) argv++;
  if (!*argv) leave(1);
  sys(rt_sigprocmask, BLOCK, &mask, 0, 8);
  /* A group that is not the terminal's foreground is stopped when it writes; we only ever pass signals on. */
  handle(STOP_INPUT, IGNORE);
  handle(STOP_OUTPUT, IGNORE);
  /* In the host's PID namespace orphans would go to the host's init. */
  sys(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  long program = sys(clone, SIGNAL_CHILD, 0, 0, 0, 0);
  if (program == 0) be_program(argv, environment);
  if (program < 0) leave(1);
  for (;;) {
    long number = sys(rt_sigtimedwait, &mask, 0, 0, 8);
    if (number > 0 && number != SIGNAL_CHILD) sys(kill, program, number);
    if (number != SIGNAL_CHILD) continue;
    int code = reap(program);
    if (code >= 0) leave(code);
  }
}
