/* Starts a replica in namespaces of its own and stays with it to its end: whoever asked for it may die meanwhile.

   The order comes through standard input, since arguments and variables are for everybody to see. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void report(const char *format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  int count = vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  if (count >= (int)sizeof(line)) count = sizeof(line) - 1;
  /* Nobody may be there to read it, which changes nothing. */
  if (count > 0 && write(REPORT, line, (size_t)count) < 0) return;
}

static bool write_file(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  ssize_t written = write(file, text, strlen(text));
  close(file);
  return written == (ssize_t)strlen(text);
}

/* Makes the namespace's only user the one that the image wants, so that files which it makes are ours outside. */
static bool become_known(const struct order *order, uid_t user, gid_t group) {
  char map[64];
  if (!write_file("/proc/self/setgroups", "deny")) return false;
  snprintf(map, sizeof(map), "%u %u 1", (unsigned)order->group, (unsigned)group);
  if (!write_file("/proc/self/gid_map", map)) return false;
  snprintf(map, sizeof(map), "%u %u 1", (unsigned)order->user, (unsigned)user);
  return write_file("/proc/self/uid_map", map);
}

int main(void) {
  /* Whatever else the deployer has open is not for us. */
  syscall(SYS_close_range, START_LOCK + 1, ~0u, 0);
  fcntl(REPORT, F_SETFD, FD_CLOEXEC);
  fcntl(START_LOCK, F_SETFD, FD_CLOEXEC);
  signal(SIGPIPE, SIG_IGN);
  /* A dump would have the replica's key in it. */
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  umask(022);
  struct order order = {.stop_signal = SIGTERM, .user = 65532, .group = 65532};
  order_read(&order);
  uid_t user = geteuid();
  gid_t group = getegid();
  const unsigned long spaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD;
  long child = syscall(SYS_clone, spaces, 0, 0, 0, 0);
  if (child < 0 && errno == EPERM) {
    order.own_users = true;
    child = syscall(SYS_clone, spaces | CLONE_NEWUSER, 0, 0, 0, 0);
  }
  if (child < 0) {
    report("error namespaces %s\n", strerror(errno));
    return 1;
  }
  /* The child is the first process of its namespace: whatever the replica starts ends with it. */
  if (child > 0) return 0;
  if (order.own_users && !become_known(&order, user, group)) {
    report("error namespaces the user could not be mapped: %s\n", strerror(errno));
    return 1;
  }
  if (order.check_only) {
    const char *failed = root_check();
    if (failed) report("error namespaces %s: %s\n", failed, strerror(errno));
    else report("ok %s\n", order.own_users ? "users" : "root");
    return failed != NULL;
  }
  supervise(&order);
}
