/* The log: CRI lines, `2016-10-06T00:17:09.669794202Z stdout F text`. P is a part of a line, F its last. */
#include "shim.h"

enum { LINE = 16384, BATCH = 65536, HEAD = 64 };

static u8 pending[2][LINE]; /* of each stream, what no newline has ended yet */
static u32 pending_size[2];
static u8 batch[BATCH];
static u32 batch_size;
static char stamp[32];

/* How the log is cut into files. The numbers of full ones only grow, so that a reader knows which comes next. */
static struct {
  u64 limit, written; /* bytes; limit 0: never */
  u32 keep, next;     /* files, the open one too; the number that it gets when it is full */
  int directory;
  char name[100];
} rotation;

static void two(char *to, u32 value) {
  to[0] = (char)('0' + value / 10);
  to[1] = (char)('0' + value % 10);
}

/* The civil date of a day number: years counted from March, so that the leap day is the last of a year. */
static void set_stamp(u64 time) {
  u32 days = (u32)(time / 86400000000000ull) + 719468, second = (u32)(time / 1000000000ull % 86400);
  u32 rest = (u32)(time % 1000000000ull);
  u32 era = days / 146097, day = days % 146097;
  u32 year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  day -= 365 * year + year / 4 - year / 100;
  u32 month = (5 * day + 2) / 153;
  day -= (153 * month + 2) / 5;
  year += era * 400 + (month >= 10);
  memcpy(stamp, "0000-00-00T00:00:00.000000000Z", 31);
  two(stamp, year / 100);
  two(stamp + 2, year % 100);
  two(stamp + 5, month < 10 ? month + 3 : month - 9);
  two(stamp + 8, day + 1);
  two(stamp + 11, second / 3600);
  two(stamp + 14, second / 60 % 60);
  two(stamp + 17, second % 60);
  for (u32 i = 28; i > 19; i--, rest /= 10) stamp[i] = (char)('0' + rest % 10);
}

static void flush(void) {
  u32 done = 0;
  while (done < batch_size) {
    long wrote = sys(write, process.log, batch + done, batch_size - done);
    if (wrote == -EINTR) continue;
    if (wrote > 0) rotation.written += (u64)wrote;
    if (wrote < 0) {
      /* A full disk: the log keeps whole lines, and the process does not wait for space. */
      struct statx is;
      if (done && sys(statx, process.log, "", AT_EMPTY_PATH, STATX_SIZE, &is) == 0)
        sys(ftruncate, process.log, is.stx_size - done), rotation.written -= done;
      break;
    }
    done += (u32)wrote;
  }
  batch_size = 0;
}

static void add(const void *data, usize size) {
  memcpy(batch + batch_size, data, size);
  batch_size += (u32)size;
}

static void numbered(char *to, u32 number) {
  usize size = strlen(rotation.name);
  memcpy(to, rotation.name, size);
  to[size] = '.';
  format_number(to + size + 1, number);
}

/* The full file gets a number, a new one takes its name, the oldest goes. On any failure the log goes on as it is. */
static void rotate(void) {
  char name[112];
  int here = rotation.directory;
  numbered(name, rotation.next);
  if (sys(renameat2, here, rotation.name, here, name, 0) < 0) return;
  long fresh = sys(openat, here, rotation.name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640);
  if (fresh < 0) {
    sys(renameat2, here, name, here, rotation.name, 0);
    return;
  }
  sys(close, process.log);
  process.log = (int)fresh;
  rotation.written = 0;
  if (rotation.next >= rotation.keep) {
    numbered(name, rotation.next - rotation.keep + 1);
    sys(unlinkat, here, name, 0);
  }
  rotation.next++;
}

long rotate_log(struct op_rotate op) {
  struct statx is;
  long result = process.log < 0 ? -EBADF : sys(statx, process.log, "", AT_EMPTY_PATH, STATX_SIZE, &is);
  if (result < 0 || (result = keep_directory(op.path, rotation.name, &rotation.directory)) < 0) return result;
  rotation.limit = op.limit;
  rotation.written = is.stx_size;
  rotation.keep = op.keep ? op.keep : 1;
  rotation.next = op.next ? op.next : 1;
  return 0;
}

static void line(u32 stream, const char *tag, const u8 *data, usize size) {
  u64 before = rotation.written + batch_size;
  if (rotation.limit && before && before + size + 41 > rotation.limit) {
    flush();
    if (rotation.written) rotate();
  }
  if (batch_size + size + HEAD > BATCH) flush();
  add(stamp, 30);
  add(stream ? " stderr " : " stdout ", 8);
  add(tag, 2);
  add(data, size);
  add("\n", 1);
}

void log_output(u32 stream, const u8 *data, usize size) {
  if (process.log < 0 || size == 0) return;
  set_stamp(now(REALTIME));
  u32 held = pending_size[stream];
  while (size) {
    usize take = 0;
    while (take < size && data[take] != '\n') take++;
    u32 ended = take < size;
    /* Only what follows says whether a full buffer is a part or a whole line. */
    if (held == LINE && take) line(stream, "P ", pending[stream], held), held = 0;
    if (held == 0 && ended && take <= LINE) line(stream, "F ", data, take);
    else {
      if (take > LINE - held) take = LINE - held, ended = 0;
      memcpy(pending[stream] + held, data, take);
      held += (u32)take;
      if (ended) line(stream, "F ", pending[stream], held), held = 0;
    }
    data += take + ended;
    size -= take + ended;
  }
  pending_size[stream] = held;
  flush();
}

void log_end(void) {
  if (process.log < 0) return;
  set_stamp(now(REALTIME));
  for (u32 stream = 0; stream < 2; stream++)
    if (pending_size[stream]) line(stream, "P ", pending[stream], pending_size[stream]);
  flush();
  if (rotation.limit) sys(close, rotation.directory);
}
