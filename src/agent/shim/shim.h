/* What the shim's parts share. One process, one thread, one container. */
#pragma once

#include "operations.h"

/* Results of a plan. Shared with the child until it executes its program, so that each of its steps costs no message. */
struct trace {
  u32 size;
  u32 current;                   /* the id that is being run */
  u32 streams;                   /* without a spawn results need not be kept: they go out when room is short */
  u32 failed_id, failed_errno;   /* of the operation that stopped a list; errno 0: none */
  u32 exec_id, exec_tried;
  u64 exec_started;
  u32 successor;                 /* the process that went on with the child's list, after `handOver` */
  u8 data[TRACE_LIMIT];
};
extern struct trace *trace;

/* The spawned process and what is held for it; descriptors are -1 when absent. */
struct process {
  int pid, status, sync; /* sync: the child's end of the socket that execve closes */
  int input, output[2];  /* output[0] is the PTY's master when `terminal` */
  int listener, log, record;
  int socket_directory;
  int memory;            /* readable when the memory cgroup ran out of memory */
  u32 terminal;
  u32 synced;            /* the exit record outlives a power failure */
  u64 started;
  char socket_name[100], record_name[100];
  struct bytes after;
};
extern struct process process;

enum { QUIET = 1, GO_ON = 2 };
/* Runs a list. QUIET: results are not recorded. GO_ON: failures do not stop it. Returns 0 or the errno that did. */
u32 run(struct bytes list, u32 mode);
u32 holds_tree(int fd);
long open_tree_at(struct op_openTree op);
long open_tree_inside(struct op_openTreeInside op);
long open_tree_below(struct op_openTreeBelow op);
long map_slot(struct op_idmap op);
long move_tree(struct op_moveMount op);
u32 find_spawn(struct bytes list, struct op_spawn *found);
void report(u32 id, u32 errno, u64 nanoseconds, u32 size);
u32 trace_room(u32 wanted);
void send_results(void);
u64 clock_now(void);

long spawn(struct op_spawn op);
long make_terminal(struct op_terminal op);
long execute(u32 id, struct op_exec op);
long listen_at(const char *path);
long record_at(const char *path, u32 synced);
long remove_tree(const char *path);
long make_directories(const char *path, u32 mode);
long make_file(const char *path, u32 mode);

long make_userns(struct op_userns op);
long open_userns(const char *path);
long enter_userns(void);
long map_tree(int tree, u32 recursive);
long set_fsid(struct op_fsid op);
long hand_over(void);
enum { LINEAGE = 28 };
u32 lineage_of(long fd, u8 *to); /* writes LINEAGE bytes */
long tree_inside(u32 pid, const char *path, u32 flags);

/* files.c: what is in a root that is not trusted. */
long file_status(const char *path);
long identify(const char *path);
long unchanged(struct op_unchanged op);
long link_target(struct op_readlink op);
long attribute_names(struct op_listxattr op);
long directory_entries(struct op_readdir op);
long open_source(const char *path);
long read_source(struct op_readAt op);
long source_range(u64 offset);
long hold_directory(const char *path);
extern int file;
extern u32 read_size;

/* cgroup.c */
long inherit_text(struct op_inherit op);
long watch_memory(struct op_watchMemory op);
u32 memory_told(void);

/* kernel.c */
long write_sysctl(struct op_sysctl op);

/* init.c */
u32 is_init(const char *name);
_Noreturn void init_main(char **argv, char **environment);

long execute_file(const char *file, const char *search, char **argv, char **environment);
long keep_directory(const char *path, char name[100], int *directory);
long rotate_log(struct op_rotate op);
void log_output(u32 stream, const u8 *data, usize size);
void log_end(void);

long send_frame(int fd, u32 type, const void *head, u32 head_size, const void *data, u32 size);
_Noreturn void supervise(u8 *buffer, u32 used, u32 subscribed);
