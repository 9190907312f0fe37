#ifndef SLIPWAY_LAUNCHER_H
#define SLIPWAY_LAUNCHER_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What the deployer hands over: descriptors that it opened for us. */
enum { ORDER = 0, REPORT = 3, START_LOCK = 4 };

/* A replica as the deployer wants it. All strings are of the order's bytes, which live as long as the process. */
struct order {
  bool check_only;
  const char *root, *folder, *alive, *working, *hostname, *oom;
  uid_t user;
  gid_t group;
  int stop_signal;
  uint64_t log_bytes, temporary_bytes, data_bytes;
  char **words, **variables;
  const char **cgroups;
  size_t word_count, variable_count, cgroup_count;
  /* Found out, not told: whether a namespace of users stands for the rights that we lack. */
  bool own_users;
};

/* Reads the order to its end. Ends the process with a report where it is none. */
void order_read(struct order *order);

/* Sends a report: what came of it, one line. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Turns this process into the replica's; returns only with what failed, and errno: `program …` where that is the image's
   fault, `root …` where it is the place's. */
const char *replica_become(const struct order *order, int output);

/* What has to work before any replica can be started; NULL, or what failed, and errno. */
const char *root_check(void);
const char *root_enter(const struct order *order);

/* Runs the replica to its end, and writes down how that was. Never returns. */
void supervise(const struct order *order) __attribute__((noreturn));

/* The replica's log: lines with their times, in two files of a bounded size. */
struct log {
  int folder, file;
  uint64_t written, limit;
  size_t held;
  bool was_cut;
  char line[16 << 10];
};
void log_open(struct log *log, int folder, uint64_t limit);
void log_take(struct log *log, const char *bytes, size_t count);
/* What came after the last end of a line. */
void log_finish(struct log *log);
int64_t nanoseconds_now(void);
#endif
