/* What a program without a C library needs: types, system calls, and four string functions. */
#pragma once

#include <asm/unistd.h>
#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned long usize;

#if defined(__x86_64__)
static inline long syscall6(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
static inline long syscall6(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#else
#error "no system calls for this CPU yet"
#endif

/* sys(name, arguments...): the kernel's own result, which is -errno on failure. */
#define SYS_SIX(number, a, b, c, d, e, f, ...) \
  syscall6(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define sys(name, ...) SYS_SIX(__NR_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)

struct timespec64 {
  long seconds, nanoseconds;
};
struct span {
  void *data;
  usize size;
};
struct message {
  void *name;
  int name_size;
  struct span *spans;
  usize span_count;
  void *control;
  usize control_size;
  u32 flags;
};
struct pollfd {
  int fd;
  short events, revents;
};
struct address {
  u16 family;
  char path[108];
};

enum { READABLE = 1, WRITABLE = 4, BROKEN = 8, HUNG_UP = 16 };           /* poll(2) */
enum { UNIX_FAMILY = 1, STREAM = 1, SEQPACKET = 5, NO_SIGNAL = 0x4000 }; /* socket(2), send(2) */
enum { SIGNAL_CHILD = 17, SIGNAL_KILL = 9, NO_HANG = 1 };
enum { REALTIME = 0, MONOTONIC = 1 };

void *memcpy(void *to, const void *from, usize size);
void *memmove(void *to, const void *from, usize size);
void *memset(void *to, int value, usize size);
usize strlen(const char *text);
u64 now(int clock); /* nanoseconds */
u32 format_number(char *to, u64 value); /* decimal digits, a NUL behind them; the count */
void proc_path(char *to, const char *prefix, u64 number, const char *suffix);
long write_all(int fd, const void *data, usize size); /* 0 or -errno */
_Noreturn void leave(int code);
