#include "sys.h"

/* The kernel starts a program with argc, argv and envp on the stack (System V ABI of either CPU). */
#if defined(__x86_64__)
__asm__(".global _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call shim_main\n");
#else
__asm__(".global _start\n_start:\n mov x29, #0\n mov x30, #0\n mov x0, sp\n bl shim_main\n");
#endif

/* The compiler may call these four whatever the options are. */
void *memcpy(void *to, const void *from, usize size) {
#if defined(__x86_64__)
  void *at = to;
  __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
#else
  u8 *a = to;
  const u8 *b = from;
  for (; size >= 8; size -= 8, a += 8, b += 8) {
    u64 word;
    __builtin_memcpy(&word, b, 8);
    __builtin_memcpy(a, &word, 8);
  }
  while (size--) *a++ = *b++;
#endif
  return to;
}

void *memmove(void *to, const void *from, usize size) {
  u8 *a = to;
  const u8 *b = from;
  if (a <= b || a >= b + size) return memcpy(to, from, size);
  while (size--) a[size] = b[size];
  return to;
}

void *memset(void *to, int value, usize size) {
#if defined(__x86_64__)
  void *at = to;
  __asm__ volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(value) : "memory");
#else
  volatile u8 *at = to;
  while (size--) *at++ = (u8)value;
#endif
  return to;
}

usize strlen(const char *text) {
  usize size = 0;
  while (text[size]) size++;
  return size;
}

u64 now(int clock) {
  struct timespec64 time = {0, 0};
  sys(clock_gettime, clock, &time);
  return (u64)time.seconds * 1000000000ull + (u64)time.nanoseconds;
}

u32 format_number(char *to, u64 value) {
  char digits[20];
  u32 count = 0, at = 0;
  do digits[count++] = (char)('0' + value % 10);
  while (value /= 10);
  while (count) to[at++] = digits[--count];
  to[at] = 0;
  return at;
}

void proc_path(char *to, const char *prefix, u64 number, const char *suffix) {
  usize size = strlen(prefix);
  memcpy(to, prefix, size);
  size += format_number(to + size, number);
  memcpy(to + size, suffix, strlen(suffix) + 1);
}

long write_all(int fd, const void *data, usize size) {
  const u8 *at = data;
  while (size) {
    long wrote = sys(write, fd, at, size);
    if (wrote == -EINTR) continue;
    if (wrote < 0) return wrote;
    at += wrote;
    size -= (usize)wrote;
  }
  return 0;
}

_Noreturn void leave(int code) {
  for (;;) sys(exit_group, code);
}
