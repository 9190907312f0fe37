/* The replica's process, from the fork to its program. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

/* Limits count from the first page of the program on. */
static bool join_cgroups(const struct order *order) {
  for (size_t index = 0; index < order->cgroup_count; index++) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/cgroup.procs", order->cgroups[index]);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return false;
    bool is_in = write(file, "0", 1) == 1;
    close(file);
    if (!is_in) return false;
  }
  return true;
}

static bool limit(const struct order *order) {
  if (!order->data_bytes) return true;
  struct rlimit data = {order->data_bytes, order->data_bytes};
  return setrlimit(RLIMIT_DATA, &data) == 0;
}

/* Gives up every right, and that of ever getting one. */
static bool drop(const struct order *order) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  for (int right = 0; prctl(PR_CAPBSET_READ, right, 0, 0, 0) >= 0; right++) prctl(PR_CAPBSET_DROP, right, 0, 0, 0);
  if (!order->own_users && setgroups(0, NULL) != 0) return false;
  if (setresgid(order->group, order->group, order->group) != 0) return false;
  if (setresuid(order->user, order->user, order->user) != 0) return false;
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct nothing[2] = {{0}};
  return syscall(SYS_capset, &head, nothing) == 0;
}

static void forget_signals(void) {
  for (int signal = 1; signal < NSIG; signal++) {
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigaction(signal, &plain, NULL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

const char *replica_become(const struct order *order, int output) {
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) return "root its output";
  setsid();
  if (!join_cgroups(order)) return "root its control groups";
  const char *failed = root_enter(order);
  if (failed) return failed;
  if (order->hostname && sethostname(order->hostname, strlen(order->hostname)) != 0) return "root its host name";
  if (!limit(order)) return "root its limits";
  if (!drop(order)) return "root giving up rights";
  if (chdir(order->working && *order->working ? order->working : "/") != 0) return "program its working folder";
  forget_signals();
  environ = order->variables;
  execvp(order->words[0], order->words);
  return "program";
}
